import { z } from 'zod';
import { deliveryPolicySchema } from '../contract/delivery-policy.js';
import { accessSettings } from './access-settings.js';
import { defaults, MAX_RETENTION_DAYS, unknownEventTypes, workflowModes } from './defaults.js';
import { encryptionSettings } from './encryption-settings.js';
import {
  executable,
  flag,
  folder,
  jsonOf,
  listenHost,
  networks,
  oneOf,
  port,
  url,
  wholeNumber,
  type Setting,
  type SettingDefinition,
} from './formats.js';
import { egressSettings } from './egress-settings.js';
import { portalSettings } from './portal-settings.js';
import { mailSettings } from './mail-settings.js';
import { oidcSettings } from './oidc-settings.js';
import { temporalSettings } from './temporal-settings.js';

/** Every setting that Pigeonpost reads, once: what it means, what holds without it, how it is checked. */
export const table = {
  PIGEONPOST_HOST: {
    description: 'Address the API listens on; 0.0.0.0 for every interface.',
    default: defaults.host,
    schema: listenHost,
  },
  PIGEONPOST_PORT: {
    description: 'Port of the API; 0 picks a free one.',
    default: String(defaults.port),
    schema: port(0),
  },
  PIGEONPOST_TRUST_PROXY: {
    description:
      "Trusted proxies in front of the API: their X-Forwarded-For has the caller's address, which limits failed sign-ins. CIDR blocks or addresses, comma separated, or none.",
    default: 'none',
    schema: networks,
  },
  ...accessSettings,
  ...portalSettings,
  ...oidcSettings,
  PIGEONPOST_URL: {
    description: 'Where the command line finds the API.',
    default: 'the address of PIGEONPOST_HOST and PIGEONPOST_PORT',
    schema: url(['http', 'https'], 'http://127.0.0.1:8080'),
  },
  PIGEONPOST_API_KEY: {
    description: 'Key that the command line sends to the API.',
    default: 'PIGEONPOST_ADMIN_KEY or the generated one in the data folder, unless PIGEONPOST_URL is another address',
    secret: true,
    schema: z.string(),
  },
  PIGEONPOST_MAX_BODY_BYTES: {
    description:
      'Maximum body of a request that emits events, in bytes, from 1024 (1 KiB) to 67108864 (64 MiB); the maximum of other requests is 256 KiB.',
    default: String(defaults.maxBodyBytes),
    schema: wholeNumber(1024, 64 * 1024 * 1024, 'a number of bytes'),
  },
  PIGEONPOST_MAX_COMMIT_BYTES: {
    description:
      'Maximum size of the events of one request with their bodies and deliveries, in bytes, from 1048576 (1 MiB) to 268435456 (256 MiB).',
    default: `four times PIGEONPOST_MAX_BODY_BYTES, at least ${defaults.maxCommitBytes}`,
    schema: wholeNumber(1024 * 1024, 256 * 1024 * 1024, 'a number of bytes'),
  },
  PIGEONPOST_MAX_SUBSCRIPTIONS: {
    description: 'Maximum number of subscriptions of an account, from 1 to 10000; an account may have its own.',
    default: String(defaults.maxSubscriptions),
    schema: wholeNumber(1, 10_000),
  },
  PIGEONPOST_UNKNOWN_EVENT_TYPES: {
    description:
      'What happens to event types that are not defined, once at least one is: refuse or accept. For contracts whose event types the platform defines.',
    default: defaults.unknownEventTypes,
    schema: oneOf(unknownEventTypes),
  },
  PIGEONPOST_PUBLIC_CATALOGUE: {
    description: 'Whether anyone may read the defined event types, at /catalogue and /catalogue.json.',
    default: 'false',
    schema: flag,
  },
  PIGEONPOST_DELIVERY_POLICY: {
    description:
      'Delivery policy of the installation, as JSON such as {"schedule":{"preset":"svix"}}. For contracts that allow one; accounts, event types and subscriptions may have their own.',
    schema: jsonOf(deliveryPolicySchema),
  },
  PIGEONPOST_SHUTDOWN_DELAY_SECONDS: {
    description:
      'Seconds for which a separate API still accepts connections after a stop signal, while /readyz responds with 503 so that load balancers notice, from 0 to 60.',
    default: String(defaults.shutdownDelayS),
    schema: wholeNumber(0, 60, 'a number of seconds'),
  },
  PIGEONPOST_MAX_CONCURRENT_ATTEMPTS: {
    description: 'Concurrent attempts of one worker for a subscription without a limit of its own, from 1 to 200.',
    default: String(defaults.maxConcurrentAttempts),
    // Half of what a worker makes at once: no subscription alone gets more.
    schema: wholeNumber(1, 200),
  },
  PIGEONPOST_RETENTION_DAYS: {
    description:
      'Days that events, deliveries and attempts are kept, up to 3650, or 0 to keep them indefinitely; an account may have its own.',
    default: String(defaults.retentionDays),
    schema: wholeNumber(0, MAX_RETENTION_DAYS, 'a number of days'),
  },
  PIGEONPOST_IDEMPOTENCY_HOURS: {
    description:
      'Hours for which a repeated request with the same Idempotency-Key gets the first response, from 1 to 720; the key can be used for another request within a minute after them.',
    default: String(defaults.idempotencyHours),
    schema: wholeNumber(1, 720, 'a number of hours'),
  },
  PIGEONPOST_WORKFLOWS: {
    description:
      'When a delivery gets a workflow in Temporal: always, before its first attempt; on_retry, only when its first attempt was not accepted; adaptive, before it at a low rate (3 deliveries per second) and on_retry above.',
    default: defaults.workflows,
    schema: oneOf(workflowModes),
  },
  PIGEONPOST_LOG_LEVEL: {
    description: 'Lowest level that is logged: fatal, error, warn, info, debug, trace or silent.',
    default: defaults.logLevel,
    schema: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
  },
  PIGEONPOST_METRICS_PORT: {
    description:
      'Port on which a separate worker serves /metrics, /healthz and /readyz; the API has them on its own port.',
    default: 'not served',
    schema: port(),
  },
  PIGEONPOST_METRICS_KEY: {
    description: 'Key that may read /metrics and nothing else, at least 16 characters; the admin key may too.',
    secret: true,
    schema: z.string().min(16, { error: 'write at least 16 characters' }),
  },
  PIGEONPOST_METRICS_OPEN: {
    description: 'Whether /metrics may be read without a key.',
    default: 'false',
    schema: flag,
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    description: "Where traces are sent, OTLP over HTTP; OpenTelemetry's other variables (OTEL_…) apply too.",
    default: 'nothing is traced',
    schema: url(['http', 'https'], 'http://localhost:4318'),
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    description: 'The same, as the whole URL for traces.',
    schema: url(['http', 'https'], 'http://localhost:4318/v1/traces'),
  },
  PIGEONPOST_DATA_DIR: {
    description: 'Folder of the embedded PostgreSQL and Temporal: data, logs, generated password.',
    default: '.pigeonpost in a clone, otherwise pigeonpost in the data folder of the user',
    schema: folder,
  },
  PIGEONPOST_CACHE_DIR: {
    description: 'Folder for programs that are fetched once, such as the Temporal CLI.',
    default: 'pigeonpost in the cache folder of the user',
    schema: folder,
  },
  DATABASE_URL: {
    description: 'PostgreSQL to use, postgres://user:password@host:5432/database.',
    default: 'an embedded PostgreSQL',
    secret: true,
    schema: url(['postgres', 'postgresql'], 'postgres://user:password@host:5432/database'),
  },
  PIGEONPOST_DATABASE_CONNECTIONS: {
    description: 'Maximum number of connections to PostgreSQL of an API or a worker, from 5 to 200.',
    default: String(defaults.databaseConnections),
    schema: wholeNumber(5, 200),
  },
  PIGEONPOST_POSTGRES_PORT: {
    description: 'Port of the embedded PostgreSQL.',
    default: 'a free one, picked once',
    schema: port(),
  },
  ...temporalSettings,
  PIGEONPOST_TEMPORAL_PORT: {
    description: 'Port of the embedded Temporal server.',
    default: String(defaults.temporalPort),
    schema: port(),
  },
  PIGEONPOST_TEMPORAL_UI_PORT: {
    description: 'Port of the web interface of the embedded Temporal server.',
    default: String(defaults.temporalUiPort),
    schema: port(),
  },
  PIGEONPOST_TEMPORAL_UI_URL: {
    description: "Where the browser finds Temporal's web interface, for links.",
    default: 'http://localhost and PIGEONPOST_TEMPORAL_UI_PORT when Temporal is embedded',
    schema: url(['http', 'https'], 'https://temporal.example.com'),
  },
  PIGEONPOST_TEMPORAL_CLI: {
    description: 'Path of a Temporal CLI to run as the embedded server.',
    default: 'temporal on the PATH, or a fetched one',
    schema: executable,
  },
  PIGEONPOST_TEMPORAL_TEST_SERVER: {
    description: "Path of Temporal's time-skipping test server; only the test suite uses it.",
    default: 'a fetched one',
    schema: executable,
  },
  ...egressSettings,
  ...mailSettings,
  ...encryptionSettings,
} as const satisfies Record<string, SettingDefinition>;

/** Name of a setting. */
export type SettingName = keyof typeof table;

/** The settings that were set, checked and converted. */
export type Values = { [Name in SettingName]?: z.output<(typeof table)[Name]['schema']> };

/** Every setting as the documentation lists it. */
export const settings: readonly Setting[] = Object.entries(table).map(
  ([name, definition]: [string, SettingDefinition]) => ({
    name,
    description: definition.description,
    ...(definition.default !== undefined && { default: definition.default }),
    ...(definition.secret === true && { secret: true }),
  }),
);
