/** For every provider, accounts and subscriptions with every field set, and what tests expect of them. */
import { randomUUID } from 'node:crypto';
import { contractOf } from '../../src/providers/registry.js';
import { findSubscription, type StoredSubscription } from '../../src/store/subscriptions/subscriptions.js';
import { newId } from '../../src/contract/ids.js';
import type { ApiResponse, Ask } from './api.js';
import type { TestDatabase } from './database.js';

/** A secret in the format of Standard Webhooks, and one to replace it. */
export const OWN_SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';
export const OTHER_SECRET = 'whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4';

export interface Sample {
  readonly provider: string;
  readonly apiKey: RegExp;
  readonly scope: Record<string, unknown>;
  readonly settings: Record<string, unknown>;
  readonly reference: RegExp;
  readonly eventType: string;
  /** A subscription to that event type with every field set, including secrets. */
  readonly subscription: Record<string, unknown>;
  /** The contract's own fields as in responses. */
  readonly shown: Record<string, unknown>;
  /** Values that responses and rows must not contain in plain text. */
  readonly secrets: readonly string[];
  /** Whether `rotate-secret` is supported. */
  readonly rotates: boolean;
  /** The response of `GET …/secret`, when the subscription above determines it. */
  readonly signingSecret?: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const common = {
  url: 'https://hooks.example.com/in?topic=a%2Fb',
  description: 'Zahlungen für "Kim" 💶',
  headers: { 'X-Token': 'header-value-4711', authorization: 'Token header-value-4712' },
};
const headerValues = ['header-value-4711', 'header-value-4712'];

export const samples: readonly Sample[] = [
  {
    provider: 'postscript',
    apiKey: /^sk_[\w-]{32}$/,
    scope: { shopId: 'shop_7654321dcba' },
    settings: {},
    reference: UUID,
    eventType: 'shop.incoming_message',
    subscription: { ...common, eventTypes: ['shop.incoming_message'] },
    shown: {},
    secrets: headerValues,
    rotates: false,
  },
  {
    provider: 'postack',
    apiKey: /^sk_[0-9A-Za-z]{33}$/,
    scope: { appId: 'app_4711' },
    settings: {},
    reference: /^ep_[0-9A-Za-z]{27}$/,
    eventType: 'message.received',
    subscription: {
      ...common,
      url: 'https://kim:pass%3Aword-4713@hooks.example.com/in',
      eventTypes: ['message.received'],
      secret: OWN_SECRET,
      channels: ['project_1', 'a.b-c'],
    },
    shown: { channels: ['project_1', 'a.b-c'], url: 'https://hooks.example.com/in' },
    secrets: [...headerValues, OWN_SECRET, 'pass:word-4713', 'pass%3Aword-4713'],
    rotates: true,
    signingSecret: OWN_SECRET,
  },
  {
    provider: 'postpress',
    apiKey: /^pp_live_[0-9a-f]{48}$/,
    scope: {},
    settings: {},
    reference: /^wh_[0-9A-HJKMNP-TV-Z]{26}$/,
    eventType: 'message_received',
    subscription: {
      ...common,
      eventTypes: ['message_received'],
      source: 'messaging',
      accountIds: ['dfXlh46vQYCsMbVarumWlg'],
      format: 'form',
      data: [{ name: 'Text', key: 'message' }],
      origin: 'dashboard',
      name: 'Posteingang 📥',
    },
    shown: {
      source: 'messaging',
      accountIds: ['dfXlh46vQYCsMbVarumWlg'],
      format: 'form',
      data: [{ name: 'Text', key: 'message' }],
      origin: 'dashboard',
      name: 'Posteingang 📥',
    },
    secrets: headerValues,
    rotates: false,
  },
  {
    provider: 'postmark',
    apiKey: UUID,
    scope: { serverId: 4711 },
    settings: { contract: '2026' },
    reference: /^\d+$/,
    eventType: 'Bounce',
    subscription: {
      ...common,
      eventTypes: ['Bounce', 'Open'],
      messageStream: 'outbound',
      httpAuth: { username: 'kim', password: 'password-4714' },
      postFirstOpenOnly: true,
      includeContent: { bounce: true, spamComplaint: false },
    },
    shown: {
      messageStream: 'outbound',
      httpAuth: { username: 'kim', password: '***' },
      postFirstOpenOnly: true,
      includeContent: { bounce: true, spamComplaint: false },
    },
    secrets: [...headerValues, 'password-4714'],
    rotates: false,
  },
  {
    provider: 'bird',
    apiKey: /^[0-9A-Za-z]{40}$/,
    scope: {
      organizationId: '823fbfaf-f14e-4693-b55a-8ec1c17d649e',
      workspaceId: 'a1405560-c8d3-4b1a-877d-3f449ad95352',
    },
    settings: { unfilteredTakesAll: true, restampRetries: true },
    reference: UUID,
    eventType: 'sms.inbound',
    subscription: {
      ...common,
      eventTypes: ['sms.inbound'],
      service: 'channels',
      signingKey: 'signing-key-4715',
      eventFilters: [{ key: 'messageStatus', value: 'delivered' }],
      template: 'text',
    },
    shown: {
      service: 'channels',
      eventFilters: [{ key: 'messageStatus', value: 'delivered' }],
      template: 'text',
    },
    secrets: [...headerValues, 'signing-key-4715'],
    rotates: true,
    signingSecret: 'signing-key-4715',
  },
  {
    provider: 'standard',
    apiKey: /^sk_[\w-]{32}$/,
    scope: {},
    settings: {},
    reference: /^ep_[0-9a-f]{32}$/,
    eventType: 'user.created',
    subscription: { ...common, eventTypes: ['user.created'], secret: OWN_SECRET, channels: ['project 1'] },
    shown: {
      channels: ['project 1'],
      receivesBy: 'push',
      onOrderedFailure: 'continue',
      onDelivered: null,
      onExhausted: null,
    },
    secrets: [...headerValues, OWN_SECRET],
    rotates: true,
    signingSecret: OWN_SECRET,
  },
];

export function sampleOf(provider: string): Sample {
  const sample = samples.find((candidate) => candidate.provider === provider);
  if (!sample) throw new Error(`no sample of ${provider}`);
  return sample;
}

/** The event's documented example. */
export function exampleOf(provider: string, eventType = sampleOf(provider).eventType): unknown {
  return contractOf(provider).findEvent(eventType)?.example;
}

/** A response that must have this status; the failure shows its body. */
export function expectStatus(response: ApiResponse, status: number): ApiResponse {
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${response.text}`);
  return response;
}

/** A new account of a provider; the body of the response. */
export async function newAccount(ask: Ask, provider: string, fields: object = {}) {
  return expectStatus(await ask('POST', '/v1/accounts', { provider, name: 'Acme', ...fields }), 201).body;
}

/** A subscription with every field set, unless some are replaced; the body of the response. */
export async function newSubscription(ask: Ask, accountId: string, provider: string, fields: object = {}) {
  const body = { ...sampleOf(provider).subscription, ...fields };
  return expectStatus(await ask('POST', `/v1/accounts/${accountId}/subscriptions`, body), 201).body;
}

/** A minimal subscription to the sample's event type. */
export function plainSubscription(provider: string): Record<string, unknown> {
  const { url, eventTypes, source, service } = sampleOf(provider).subscription;
  const bare = String(url).replace(/\/\/.*@/, '//');
  return { url: bare, eventTypes, ...(source ? { source } : {}), ...(service ? { service } : {}) };
}

/** An account with a minimal subscription and one event for it, from the documented example. */
export async function emitted(ask: Ask, provider: string) {
  const account = await newAccount(ask, provider, { externalId: randomUUID() });
  const subscription = expectStatus(
    await ask('POST', `/v1/accounts/${account.id}/subscriptions`, plainSubscription(provider)),
    201,
  ).body;
  const { eventType } = sampleOf(provider);
  const event = expectStatus(
    await ask('POST', `/v1/accounts/${account.id}/events`, { type: eventType, data: exampleOf(provider) }),
    202,
  ).body;
  return { account, subscription, event, deliveryId: event.deliveries[0].id as string };
}

/** A subscription from its row, with decrypted secrets; without the fields that every edit changes. */
export async function stored(
  { store }: TestDatabase,
  id: string,
): Promise<Omit<StoredSubscription, 'updatedAt'> | undefined> {
  const found = await findSubscription(store, id);
  if (!found) return undefined;
  const { updatedAt: _, ...rest } = found;
  return rest;
}

/** Every row of these tables as text, bytes as hexadecimal and as Latin-1. */
export async function dump({ store }: TestDatabase, ...tables: string[]): Promise<string> {
  const texts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await store.pool.query<Record<string, unknown>>(`SELECT * FROM ${table}`);
      return rows.map((row) =>
        Object.values(row).map((value) =>
          Buffer.isBuffer(value) ? `${value.toString('latin1')} ${value.toString('hex')}` : JSON.stringify(value),
        ),
      );
    }),
  );
  return texts.flat(2).join('\n');
}

/** The paths in a problem. */
export function paths({ body }: ApiResponse): string[] {
  return (body.errors as { path: string }[]).map(({ path }) => path);
}

/** All texts of a problem. */
export function messages({ body }: ApiResponse): string {
  return [body.detail, ...(body.errors ?? []).map(({ message }: { message: string }) => message)].join('\n');
}

/** Ids in the correct format of things that do not exist. */
export const unknownIds = {
  account: newId('acc'),
  key: newId('key'),
  subscription: newId('sub'),
  event: newId('evt'),
  delivery: newId('dlv'),
};
