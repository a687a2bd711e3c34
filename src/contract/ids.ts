/**
 * Ids: TypeIDs, a prefix that says what a thing is and a UUIDv7 in base32. They sort by the time they were made, which
 * keeps inserts local, and read back as the UUID that some contracts put on the wire.
 */
import { TypeID, typeid } from 'typeid-js';

/** What an id can name. */
export type IdKind =
  | 'acc'
  | 'key'
  | 'ses'
  | 'aud'
  | 'sub'
  | 'evt'
  | 'dlv'
  | 'rec'
  | 'snd'
  | 'era'
  | 'tsk'
  | 'brc'
  | 'job'
  | 'alr'
  | 'alt'
  | 'alm';

/** A new id of a kind, such as `evt_01h455vb4pex5vsknk084sn02q`. */
export function newId(kind: IdKind): string {
  return typeid(kind).toString();
}

/** Whether text has the form of an id of this kind. */
export function isId(kind: IdKind, text: string): boolean {
  try {
    TypeID.fromString(text, kind);
    return true;
  } catch {
    return false;
  }
}

/** The UUID inside an id. */
export function idToUuid(id: string): string {
  return TypeID.fromString(id).toUUID();
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id of a kind that holds a UUID, or undefined when the text is none. */
export function uuidToId(kind: IdKind, text: string): string | undefined {
  const uuid = text.toLowerCase();
  return UUID.test(uuid) ? TypeID.fromUUID(kind, uuid).toString() : undefined;
}

/** The id of a kind with a suffix, or undefined when the text is none. */
export function suffixToId(kind: IdKind, suffix: string): string | undefined {
  const id = `${kind}_${suffix}`;
  return isId(kind, id) ? id : undefined;
}

/** The part of an id behind its prefix: 26 characters of base32 without a full stop. */
export function idSuffix(id: string): string {
  return id.slice(id.indexOf('_') + 1);
}

/** When an id was made, to the millisecond. */
export function idTime(id: string): Date {
  return new Date(Number.parseInt(idToUuid(id).replace('-', '').slice(0, 12), 16));
}

/** The lowest id of a kind that can have been made at a time; ids bound time ranges because they sort by it. */
export function lowestIdAt(kind: IdKind, time: Date): string {
  const millis = Math.max(time.getTime(), 0).toString(16).padStart(12, '0').slice(-12);
  return TypeID.fromUUID(kind, `${millis.slice(0, 8)}-${millis.slice(8)}-7000-8000-000000000000`).toString();
}
