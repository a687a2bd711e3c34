/** A counting semaphore: limits how many permits are held at once. */
export class Semaphore {
  readonly #waiting: { readonly permits: number; readonly acquire: () => void }[] = [];
  #acquired = 0;

  constructor(private readonly permits: number) {}

  /** Waits, first come first served, for permits. A request for more permits than exist is granted when no other is held. */
  async acquire(permits: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(permits)) this.#acquired += permits;
    else await new Promise<void>((acquire) => this.#waiting.push({ permits, acquire }));
  }

  release(permits: number): void {
    this.#acquired -= permits;
    for (let next = this.#waiting[0]; next && this.#fits(next.permits); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#acquired += next.permits;
      next.acquire();
    }
  }

  #fits(permits: number): boolean {
    return this.#acquired === 0 || this.#acquired + permits <= this.permits;
  }
}
