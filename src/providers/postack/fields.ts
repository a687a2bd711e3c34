/**
 * A subscription's own fields: those of a Svix endpoint that `/v1` has no common field for. Limits are those of
 * svix-server (src/core/types/mod.rs, src/core/types/metadata.rs, src/v1/endpoints/endpoint/mod.rs) and, for the
 * characters of channels, of codegen/lib-openapi.json in the same repository.
 */
import { z } from 'zod';

export interface Options {
  readonly channels: readonly string[];
  /** The owner's name for it, by which Svix's API finds it as well. */
  readonly uid?: string;
  /** Kept for those who read it back. */
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

const METADATA_BYTES = 4_096;

/** A whole number of 16 bits, 0 aside. */
export const uint16 = z.int().min(1).max(65_535);

/** Text that PostgreSQL can keep inside JSON: no NUL, no half of a surrogate pair. */
const keepable = z.string().regex(/^[^\0\p{Cs}]*$/u, 'must not hold NUL or unpaired surrogates');

export const fields = z.object({
  secret: z.string().optional().describe('Signs deliveries: whsec_ and base64 of 24 to 64 bytes. Made when absent.'),
  channels: z
    .array(z.string().regex(/^[a-zA-Z0-9\-_.:+]{1,128}$/))
    .max(10)
    .optional()
    .describe('Take only events with one of these channels.'),
  uid: z
    .string()
    .regex(/^(?!ep_)[a-zA-Z0-9\-_.]{1,256}$/, 'must be 1 to 256 letters, digits, -, _ and ., not beginning with ep_')
    .nullable()
    .optional()
    .describe("A name of the owner's, unique in the account."),
  version: uint16.optional().describe('Kept and shown; 1 when absent.'),
  metadata: z
    .record(keepable, keepable)
    .refine((metadata) => Buffer.byteLength(JSON.stringify(metadata)) <= METADATA_BYTES, {
      error: `must be at most ${METADATA_BYTES} bytes of JSON`,
    })
    .optional()
    .describe('Kept and shown.'),
});

export type Fields = z.infer<typeof fields>;

/** Own fields as they are kept: what is not given stays, null removes. */
export function keepOptions(given: Fields, previous: Options = { channels: [] }): Options {
  return {
    channels: given.channels ?? previous.channels,
    uid: given.uid === undefined ? previous.uid : (given.uid ?? undefined),
    version: given.version ?? previous.version,
    metadata: given.metadata ?? previous.metadata,
  };
}
