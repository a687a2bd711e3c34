/** Who sends to a receiver, and what its requests are verified with. */
import { unwrap, ApiError, type PigeonpostClient } from '../client/index.js';
import { OperatorError } from '../lib/errors.js';
import { findVerifier, type Verifier } from '../providers/verify.js';
import { openContext, type CommonOptions } from './context.js';
import type { Behaviour } from './receiver.js';
import type { Terminal } from './terminal.js';

/** What requests are checked against. */
export interface Sender {
  readonly verifier: Verifier;
  readonly secret?: unknown;
  /** The address that it was registered with. */
  readonly address?: string;
}

/** The options that describe the sender. */
export interface SenderOptions extends CommonOptions {
  readonly provider?: string;
  readonly secret?: string;
  readonly subscription?: string;
  readonly address?: string;
}

/** The sender: from the subscription, or from the options alone. */
export async function findSender(terminal: Terminal, options: SenderOptions): Promise<Sender | undefined> {
  const { subscription, provider, secret, address } = options;
  if (subscription === undefined) {
    if (provider === undefined && secret !== undefined)
      throw new OperatorError('--secret needs --provider: how a request is verified depends on who sends it.');
    return provider === undefined ? undefined : known(provider, secret, address);
  }
  const { client } = await openContext(terminal, options);
  const params = { path: { id: subscription } };
  const found = await unwrap(client.GET('/v1/subscriptions/{id}', { params }));
  return known(found.provider, secret ?? (await secretOf(client, subscription)), address ?? found.url ?? undefined);
}

function known(provider: string, secret: string | undefined, address: string | undefined): Sender {
  const verifier = findVerifier(provider);
  if (!verifier) throw new OperatorError(`This version cannot verify what ${provider} sends.`);
  try {
    return { verifier, secret: secret === undefined ? undefined : verifier.readSecret(secret), address };
  } catch (error) {
    throw new OperatorError(`--secret cannot be used: ${(error as Error).message}.`);
  }
}

/** Some contracts have a secret that the API shows; the credentials of the others belong to the receiver. */
async function secretOf(client: PigeonpostClient, id: string): Promise<string | undefined> {
  try {
    return (await unwrap(client.GET('/v1/subscriptions/{id}/secret', { params: { path: { id } } }))).secret;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** How each request is checked; absent when no secret is known. */
export function checkOf(sender: Sender | undefined, scheme: string): Behaviour['verify'] {
  if (sender?.secret === undefined) return undefined;
  const { verifier, secret, address } = sender;
  return ({ path, headers, body }) =>
    verifier.verify({ headers, body, url: address ?? `${scheme}://${headers.host}${path}` }, secret);
}

/** What is said about that when it begins. */
export function checking(sender: Sender | undefined): string {
  if (!sender) return 'nothing is verified without --provider and --secret, or --subscription';
  const { provider, secretForm } = sender.verifier;
  return sender.secret === undefined
    ? `nothing is verified: give --secret with ${secretForm}`
    : `requests are verified as receivers of ${provider} do`;
}
