/** How many deliveries bursts have in memory at once. */
export class Room {
  readonly #waiting: { readonly places: number; readonly enter: () => void }[] = [];
  #taken = 0;

  constructor(private readonly places: number) {}

  /** Waits, first come first served, until there is room for so many; more than there is ever room for enter alone. */
  async enter(places: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(places)) this.#taken += places;
    else await new Promise<void>((enter) => this.#waiting.push({ places, enter }));
  }

  leave(places: number): void {
    this.#taken -= places;
    for (let next = this.#waiting[0]; next && this.#fits(next.places); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.places;
      next.enter();
    }
  }

  #fits(places: number): boolean {
    return this.#taken === 0 || this.#taken + places <= this.places;
  }
}
