/** How large the commit of a request is, and the bound on it. */

/** What a row counts for beside its text, in bytes: a delivery with its indexes takes about that much. */
const ROW_BYTES = 1_024;

/** A request would need a commit of more bytes than one may have. */
export class CommitTooLarge extends Error {
  constructor(readonly maxBytes: number) {
    super(`the events and bodies of one request may have ${maxBytes} bytes`);
  }
}

/** Adds up the bytes of one request while it is planned, so that no more is rendered than can be committed. */
export class CommitSize {
  #bytes = 0;

  constructor(private readonly maxBytes = Infinity) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Counts a row with this text. Throws CommitTooLarge when that is too much. */
  add(text = ''): void {
    this.#bytes += ROW_BYTES + Buffer.byteLength(text);
    if (this.#bytes > this.maxBytes) throw new CommitTooLarge(this.maxBytes);
  }
}
