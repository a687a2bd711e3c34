/** The one clock of a bench. */

/** Milliseconds since a moment that all processes of this machine share; never set back. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
