/** The API on a real socket with a real database. Without a worker: deliveries stay pending unless a system runs them. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pino, { type Logger } from 'pino';
import { createApp } from '../../src/api/app.js';
import type { UnknownEventTypes } from '../../src/config/defaults.js';
import type { PortalConfig } from '../../src/config/portal.js';
import { createEventTypeCatalogue } from '../../src/api/event-types/catalogue.js';
import { createDeliveryFeed } from '../../src/api/deliveries/feed.js';
import type { Oidc } from '../../src/http/oidc.js';
import { SignInLimits } from '../../src/http/sign-in-limits.js';
import type { Mailer } from '../../src/dispatch/alerts/mail.js';
import type { Dispatcher } from '../../src/dispatch/dispatcher.js';
import { stubDispatcher } from './dispatcher.js';
import { createAddressGuard } from '../../src/egress/address.js';
import { createEgressClient } from '../../src/egress/client.js';
import type { EgressSettings } from '../../src/egress/types.js';
import type { Store } from '../../src/store/store.js';
import { openTestDatabase, type TestDatabase } from './database.js';

export const ADMIN_KEY = 'test-admin-key-0123456789';
export const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** A response of the API. */
export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests read responses freely
  readonly body: any;
  readonly text: string;
}

/** Calls the API as an administrator; a string body is sent unchanged, anything else as JSON. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ApiResponse>;

export interface TestApi {
  readonly url: string;
  readonly ask: Ask;
  close(): Promise<void>;
}

export interface ApiParts {
  readonly store: Store;
  /** Without it, Temporal cannot be reached. */
  readonly client?: Client;
  readonly dispatcher?: Dispatcher;
  readonly allowHttp?: boolean;
  readonly allowNetworks?: readonly string[];
  readonly maxBodyBytes?: number;
  readonly maxCommitBytes?: number;
  readonly maxSubscriptions?: number;
  /** Which receivers the API's own requests may reach. */
  readonly egress?: Partial<EgressSettings>;
  readonly log?: Logger;
  readonly mailer?: Mailer;
  readonly oidc?: Oidc;
  /** Wrong keys that an address may send per minute; tests send many. */
  readonly maxSignInFailures?: number;
  readonly metricsKey?: string;
  readonly trustProxy?: readonly string[];
  readonly unknownEventTypes?: UnknownEventTypes;
  readonly publicCatalogue?: boolean;
  /** How often the version of the event types is read, in milliseconds. */
  readonly eventTypePollMs?: number;
  readonly publicUrl?: string;
  readonly portal?: Partial<PortalConfig>;
  /** The folder of the dashboard's build; by default the real one. */
  readonly dashboardFolder?: string;
}

/** How often streams read changes, in milliseconds; tests do not wait a second for it. */
const FEED_MS = 20;

export async function startApi(parts: ApiParts): Promise<TestApi> {
  const { store, dispatcher = stubDispatcher(), allowHttp = true, allowNetworks = LOOPBACK } = parts;
  const nowhere = Connection.lazy({ address: '127.0.0.1:1', connectTimeout: 100, interceptors: [] });
  const egress = createEgressClient({
    allowNetworks,
    allowHttp,
    resolve: [],
    maxResponseBytes: 16_384,
    ...parts.egress,
  });
  const log = parts.log ?? pino({ level: 'silent' });
  const feed = createDeliveryFeed(store, log, FEED_MS);
  const eventTypes = createEventTypeCatalogue(store, log, parts.eventTypePollMs ?? FEED_MS);
  const app = createApp({
    store,
    client: parts.client ?? new Client({ connection: nowhere }),
    dispatcher,
    feed,
    eventTypes,
    unknownEventTypes: parts.unknownEventTypes ?? 'refuse',
    publicCatalogue: parts.publicCatalogue ?? false,
    egress,
    log,
    adminKey: ADMIN_KEY,
    sessionHours: 12,
    portal: { name: 'Webhooks', colors: {}, words: {}, frameAncestors: [], ...parts.portal },
    ...(parts.publicUrl === undefined ? {} : { publicUrl: parts.publicUrl }),
    ...(parts.metricsKey === undefined ? {} : { metricsKey: parts.metricsKey }),
    maxBodyBytes: parts.maxBodyBytes ?? 1_048_576,
    maxCommitBytes: parts.maxCommitBytes ?? 20_971_520,
    maxSubscriptions: parts.maxSubscriptions ?? 500,
    allowHttp,
    allowsAddress: createAddressGuard(allowNetworks),
    dashboardFolder: parts.dashboardFolder ?? join(__dirname, '../../dist/dashboard'),
    temporalUiUrl: 'http://localhost:8233',
    signInLimits: new SignInLimits({ maxFailures: parts.maxSignInFailures ?? 100_000 }),
    trustProxy: parts.trustProxy ?? [],
    ...(parts.mailer ? { mailer: parts.mailer } : {}),
    ...(parts.oidc ? { oidc: parts.oidc } : {}),
  });
  const server = await new Promise<Server>((resolve) => {
    const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening));
    // Longer than any test: the server must not close a connection that a test is about to reuse.
    listening.keepAliveTimeout = 120_000;
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    ask: (method, path, body, headers) => askAt(url, method, path, body, headers),
    async close() {
      await feed.stop();
      await eventTypes.stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await egress.close();
      await nowhere.close();
    },
  };
}

/** The API with its own database. */
export async function startApiWithDatabase(
  parts: Omit<ApiParts, 'store'> = {},
): Promise<TestApi & { readonly database: TestDatabase }> {
  const database = await openTestDatabase();
  const api = await startApi({ ...parts, store: database.store });
  return {
    ...api,
    database,
    async close() {
      await api.close();
      await database.close();
    },
  };
}

/** Calls the API at an address as an administrator. */
export async function askAt(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // A stream never ends.
  const isStream = /^text\/event-stream/.test(response.headers.get('content-type') ?? '');
  if (isStream) await response.body?.cancel();
  const text = isStream ? '' : await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** Fetches and reads the whole response, so that its connection is not kept open by a body that no one reads. */
export async function fetchWhole(...args: Parameters<typeof fetch>): Promise<Response> {
  const { status, headers, text } = await fetch(...args).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  }));
  return new Response(text === '' ? null : text, { status, headers });
}
