/**
 * A subscription's own fields: the fields of a Svix endpoint that are not common fields of `/v1`. Limits are from
 * svix-server (src/core/types/mod.rs, src/core/types/metadata.rs, src/v1/endpoints/endpoint/mod.rs) and, for the
 * characters of channels, from codegen/lib-openapi.json in the same repository.
 */
import { z } from 'zod';
import { advanced } from '../../contract/rules.js';

export interface Options {
  readonly channels: readonly string[];
  /** The owner's id for the subscription; Svix's API also accepts it. */
  readonly uid?: string;
  /** Stored and returned, without other effect. */
  readonly version?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Set where it is polled and has no URL. */
  readonly receivesBy?: 'poll';
}

const METADATA_BYTES = 4_096;

/** A positive 16-bit integer. */
export const uint16 = z.int().min(1).max(65_535);

/** Text that PostgreSQL can store in JSON: no NUL, no unpaired surrogates. */
const storable = z.string().regex(/^[^\0\p{Cs}]*$/u, 'must not hold NUL or unpaired surrogates');

/** Svix's metadata. */
export const metadata = z
  .record(storable, storable)
  .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= METADATA_BYTES, {
    error: `must be at most ${METADATA_BYTES} bytes of JSON`,
  });

export const fields = z.object({
  secret: z
    .string()
    .optional()
    .describe('Signs deliveries: whsec_ and base64 of 24 to 64 bytes. Generated when absent.')
    .meta(advanced()),
  channels: z
    .array(z.string().regex(/^[a-zA-Z0-9\-_.:+]{1,128}$/))
    .max(10)
    .optional()
    .describe('Receive only events with one of these channels.'),
  uid: z
    .string()
    .regex(/^(?!ep_)[a-zA-Z0-9\-_.]{1,256}$/, 'must be 1 to 256 letters, digits, -, _ and ., not beginning with ep_')
    .nullable()
    .optional()
    .describe("The owner's id for the subscription, unique in the account.")
    .meta(advanced()),
  version: uint16.optional().describe('Stored and returned only; 1 when absent.').meta(advanced()),
  metadata: metadata.optional().describe('Stored and returned only.').meta(advanced()),
  receivesBy: z
    .enum(['push', 'poll'])
    .optional()
    .describe(
      'push sends requests to the url (default); poll keeps messages to be read, without a url. Cannot be changed.',
    )
    .meta(advanced()),
});

export type Fields = z.infer<typeof fields>;

/** Own fields as stored: an omitted field stays unchanged, null removes it. */
export function toOptions(input: Fields, previous: Options = { channels: [] }): Options {
  return {
    channels: input.channels ?? previous.channels,
    uid: input.uid === undefined ? previous.uid : (input.uid ?? undefined),
    version: input.version ?? previous.version,
    metadata: input.metadata ?? previous.metadata,
    ...((input.receivesBy ?? previous.receivesBy) === 'poll' ? { receivesBy: 'poll' as const } : {}),
  };
}
