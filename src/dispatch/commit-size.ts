/** The size of a request's commit, and its limit. */

/** Bytes that a row counts for besides its text: about the size of a delivery with its indexes. */
const ROW_BYTES = 1_024;

/** The commit of a request would exceed the limit. */
export class CommitTooLarge extends Error {
  constructor(readonly maxBytes: number) {
    super(`the events and bodies of one request may have ${maxBytes} bytes`);
  }
}

/** Adds up the bytes of a request while it is fanned out, so that rendering stops at the limit. */
export class CommitSize {
  #bytes = 0;

  constructor(private readonly maxBytes = Infinity) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a row with this text if it fits; otherwise false, and nothing is added. */
  tryAdd(text: string): boolean {
    const bytes = this.#bytes + ROW_BYTES + Buffer.byteLength(text);
    if (bytes > this.maxBytes) return false;
    this.#bytes = bytes;
    return true;
  }

  /** Adds a row with this text. Throws CommitTooLarge. */
  add(text = ''): void {
    this.#bytes += ROW_BYTES + Buffer.byteLength(text);
    if (this.#bytes > this.maxBytes) throw new CommitTooLarge(this.maxBytes);
  }
}
