/** How many deliveries batches have in memory at once. */
export class Semaphore {
  readonly #waiting: { readonly permits: number; readonly acquire: () => void }[] = [];
  #taken = 0;

  constructor(private readonly permits: number) {}

  /** Waits, first come first served, until there is room for so many; more than there is ever room for enter alone. */
  async acquire(permits: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(permits)) this.#taken += permits;
    else await new Promise<void>((acquire) => this.#waiting.push({ permits, acquire }));
  }

  release(permits: number): void {
    this.#taken -= permits;
    for (let next = this.#waiting[0]; next && this.#fits(next.permits); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.permits;
      next.acquire();
    }
  }

  #fits(permits: number): boolean {
    return this.#taken === 0 || this.#taken + permits <= this.permits;
  }
}
