/**
 * Payloads at rest. Where a store seals payloads, a row has the column `sealed` and an empty text beside it; other rows have
 * the text. Which of them a row is, the row says, so both are read after the setting was changed.
 */
import type { StoredAttempt } from './attempts/attempts.js';
import type { AttemptRow } from './attempts/recording.js';
import type { Store } from './store.js';

/** What seals payloads, where it does. */
export type Sealing = Pick<Store, 'box' | 'sealsPayloads'>;

/** What a row is sealed for; sealed bytes of another row are not opened. A rotation builds the same (sealed.ts). */
export const bodyRowId = (eventId: string, variant: string): string => `${eventId} ${variant}`;
const attemptRowId = (deliveryId: string, number: number): string => `${deliveryId} ${number}`;

/** A text as its row has it. */
export interface AtRest {
  readonly text: string;
  readonly sealed: Buffer | null;
}

/** A text as it is to be written. An empty one, as of a body that could not be made, has nothing to hide. */
export function toRest({ box, sealsPayloads }: Sealing, text: string, rowId: string): AtRest {
  return sealsPayloads === true && text !== ''
    ? { text: '', sealed: box.sealText(text, rowId) }
    : { text, sealed: null };
}

/** The text of a row. Throws an OperatorError when it is sealed with a key that is not configured. */
export function fromRest({ box }: Pick<Store, 'box'>, { text, sealed }: AtRest, rowId: string): string {
  return sealed === null ? text : box.openText(sealed, rowId);
}

/** Of an attempt: what a receiver has responded with may repeat the payload. */
type Response = Pick<AttemptRow, 'responseHeaders' | 'responseExcerpt'>;

/** Attempts as they are to be written; `sealed` is the text form of bytes in PostgreSQL. */
export function sealAttempts(
  store: Sealing,
  rows: readonly AttemptRow[],
): readonly (AttemptRow & { readonly sealed?: string })[] {
  if (store.sealsPayloads !== true) return rows;
  return rows.map((row) => {
    const { deliveryId, number, responseHeaders, responseExcerpt } = row;
    if (responseHeaders === null && responseExcerpt === null) return row;
    const response: Response = { responseHeaders, responseExcerpt };
    const sealed = store.box.sealText(JSON.stringify(response), attemptRowId(deliveryId, number));
    return { ...row, responseHeaders: null, responseExcerpt: null, sealed: `\\x${sealed.toString('hex')}` };
  });
}

/** An attempt as it was before `sealAttempts`. */
export function openAttempt(
  { box }: Pick<Store, 'box'>,
  deliveryId: string,
  { sealed, ...attempt }: StoredAttempt & { readonly sealed: Buffer | null },
): StoredAttempt {
  if (sealed === null) return attempt;
  const response = JSON.parse(box.openText(sealed, attemptRowId(deliveryId, attempt.number))) as Response;
  return { ...attempt, ...response };
}
