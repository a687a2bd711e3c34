/** Every attack by its name. The numbers are those with which each was found to stall others. */
import { randomBytes } from 'node:crypto';
import type { AttackName } from '../report/measures.js';
import { created } from './api.js';
import type { Attack, Attacker } from './types.js';

const MIB = 1_024 * 1_024;

/** Creates one subscription, unless the account may have no more; returns its id. */
async function subscribe({ api, accountId }: Attacker, body: object): Promise<string | undefined> {
  const { status, text } = await api.request('POST', `/v1/accounts/${accountId}/subscriptions`, body);
  return status === 201 ? (JSON.parse(text) as { id: string }).id : undefined;
}

/** Creates so many subscriptions, or as many as the account may have, and needs one of them at least. */
async function subscribeMany(attacker: Attacker, count: number, body: (index: number) => object): Promise<string> {
  const ids = [];
  for (let index = 0; index < count; index += 1) ids.push(await subscribe(attacker, body(index)));
  const first = ids.find((id) => id !== undefined);
  if (first === undefined) throw new Error('the API creates no subscription');
  return first;
}

const emitting = ({ platform, accountId }: Attacker, event: unknown): (() => Promise<number>) => {
  const text = JSON.stringify(event);
  return async () => (await platform.request('POST', `/v1/accounts/${accountId}/events`, text)).status;
};

const signatures: Attack = {
  provider: 'standard',
  perSecond: 0.5,
  async prepare({ api }) {
    const signature = (): string => `v1,${randomBytes(32).toString('base64')}`;
    const body = JSON.stringify({
      secret: `whsec_${randomBytes(32).toString('base64')}`,
      headers: {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(Math.floor(Date.now() / 1_000)),
        'webhook-signature': Array.from({ length: 4_000 }, signature).join(' '),
      },
      body: 'x'.repeat(2.5 * MIB),
    });
    return async () => (await api.request('POST', '/v1/contracts/standard/verify', body)).status;
  },
};

const silentNames: Attack = {
  provider: 'standard',
  perSecond: 2,
  async prepare(attacker) {
    await subscribeMany(attacker, 10, (index) => ({ url: `http://silent-${index}.example/`, eventTypes: [] }));
    return emitting(attacker, { type: 'attack.names', data: {} });
  },
};

const redaction: Attack = {
  provider: 'postpress',
  perSecond: 1,
  async prepare(attacker) {
    // Each word of the value of a custom header is a secret to mask wherever the response repeats it.
    const words = (): string => Array.from({ length: 500 }, () => randomBytes(3).toString('hex')).join(' ');
    const headers = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`x-secret-${index}`, words()]));
    const url = `${attacker.receiverUrl}/many-headers`;
    await subscribeMany(attacker, 1, () => ({ url, source: 'users', eventTypes: [], headers }));
    return emitting(attacker, { type: 'new_relation', data: {} });
  },
};

const largePatch: Attack = {
  provider: 'standard',
  perSecond: 0.5,
  async prepare(attacker) {
    const id = await subscribeMany(attacker, 1, () => ({ url: `${attacker.receiverUrl}/`, eventTypes: [] }));
    const names = Object.fromEntries(Array.from({ length: 400_000 }, (_, index) => [`n${index}`, 0]));
    const body = JSON.stringify(names);
    return async () => (await attacker.api.request('PATCH', `/v1/subscriptions/${id}`, body)).status;
  },
};

const copies: Attack = {
  provider: 'postpress',
  perSecond: 0.5,
  async prepare(attacker) {
    // The name stands in the body, so that each has to have one of its own.
    const url = `${attacker.receiverUrl}/`;
    await subscribeMany(attacker, 60, (index) => ({ url, source: 'users', eventTypes: [], name: `copy ${index}` }));
    return emitting(attacker, { type: 'new_relation', data: { text: 'x'.repeat(MIB) } });
  },
};

const STREAM = '/v1/deliveries/stream';
/** As many as there may be in all. */
const STREAMS = 500;
/** How many another account asks for. */
const STREAMS_OF_OTHERS = 5;

const streams: Attack = {
  provider: 'standard',
  perSecond: 5,
  async prepare(attacker) {
    await subscribeMany(attacker, 1, () => ({ url: `${attacker.receiverUrl}/`, eventTypes: [] }));
    await Promise.all(Array.from({ length: STREAMS }, () => attacker.api.open(STREAM)));
    return emitting(attacker, { type: 'attack.streams', data: {} });
  },
  async found(other) {
    const statuses = await Promise.all(Array.from({ length: STREAMS_OF_OTHERS }, () => other.open(STREAM)));
    return { neighbours_streams_refused: statuses.filter((status) => status !== 200).length };
  },
};

const wrongKeys: Attack = {
  provider: 'standard',
  perSecond: 200,
  prepare: ({ api }) =>
    Promise.resolve(
      async () => (await api.request('GET', '/v1/me', undefined, `wrong_${randomBytes(16).toString('hex')}`)).status,
    ),
};

export const attacks = {
  signatures,
  silent_names: silentNames,
  redaction,
  large_patch: largePatch,
  copies,
  streams,
  wrong_keys: wrongKeys,
} satisfies Record<AttackName, Attack>;

/** An account of the attack's provider, and its own key. */
export interface NewAccount {
  readonly id: string;
  readonly apiKey: string;
}

/** Creates an account with the admin key, of which any payload is taken. */
export const createAccount = (platform: Attacker['platform'], provider: string, name: string): Promise<NewAccount> =>
  created(platform.request('POST', '/v1/accounts', { provider, name, validatePayloads: false }));
