/** A Postmark account is one server. */
import { z } from 'zod';
import type { Account } from '../../contract/entities.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { eras } from './eras.js';
import { streamId } from './streams.js';

export const scope = z.strictObject({ serverId: z.int().positive().describe('The server, as `ServerID` in bodies.') });
export type Scope = z.infer<typeof scope>;

const streams = z.array(streamId).default([]);

export const settings = z.strictObject({
  contract: z.enum(eras).default('classic').describe("Which of Postmark's two contracts the account has."),
  messageStreams: streams.describe('Streams of the server in addition to outbound, broadcast and inbound.'),
  archivedStreams: streams.describe('Streams in which no new webhooks can be created.'),
});
export type Settings = z.infer<typeof settings>;

/** An account of this provider with typed fields. */
export type PostmarkAccount = StoredAccount & Account<Scope, Settings>;
