import type { DeliveryPolicy } from '../contract/delivery-policy.js';
import { OperatorError } from '../lib/errors.js';
import {
  defaultCacheDir,
  defaultDataDir,
  defaults,
  EMBEDDED_NETWORKS,
  EMBEDDED_TEMPORAL_RETENTION_DAYS,
  type UnknownEventTypes,
  type WorkflowMode,
} from './defaults.js';
import { readValues, unknownNames } from './environment.js';
import { type PinnedAddress } from './formats.js';
import type { Values } from './settings.js';
import { withSecretFiles } from './secret-files.js';
import { readPortal, type PortalConfig } from './portal.js';
import { missingForOidc, readOidc, type OidcConfig } from './oidc.js';
import { readTemporal, readWorkerVersion, type TemporalConfig, type WorkerVersion } from './temporal.js';

export type { Setting } from './formats.js';
export { fileVariables } from './secret-files.js';
export { settings } from './settings.js';
export { type OidcConfig } from './oidc.js';
export { type PinnedAddress } from './formats.js';
export { type TemporalConfig, type TemporalConnectionOptions, type WorkerVersion } from './temporal.js';

/** Levels of the log, most severe first. */
export type LogLevel = NonNullable<Values['PIGEONPOST_LOG_LEVEL']>;

/** What may be contacted when something is delivered. */
export interface EgressConfig {
  /** Networks, in CIDR notation, that are allowed although they are not public. */
  allowNetworks: string[];
  /** Whether http:// is allowed besides https://. */
  allowHttp: boolean;
  /** Addresses that hosts are pinned to, whatever DNS says. */
  resolve: PinnedAddress[];
  /** Certificate authorities to trust besides the usual ones, PEM. */
  extraCa?: string;
  /** The only ports that receivers may be addressed at. */
  allowPorts?: number[];
  tlsMinVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Proxy to reach receivers through. */
  proxy?: string;
}

/** Every setting, checked. */
export interface Config {
  api: {
    host: string;
    /** 0 picks a free one. */
    port: number;
    adminKey?: string;
    maxBodyBytes: number;
    /** Bytes that the events of one request may have with their bodies. */
    maxCommitBytes: number;
    /** Subscriptions that an account may have unless it says otherwise. */
    maxSubscriptions: number;
    /** What happens to event types that are not defined, once at least one is. */
    unknownEventTypes: UnknownEventTypes;
    /** Whether anyone may read the defined event types. */
    publicCatalogue: boolean;
    /** Hours until a session of the dashboard ends. */
    sessionHours: number;
    /** Where customers reach the API, without a slash at the end; absent: at the address of each request. */
    publicUrl?: string;
    portal: PortalConfig;
    /** How operators sign in with OpenID Connect; absent when they do not. */
    oidc?: OidcConfig;
    /** Networks of proxies whose X-Forwarded-For names the caller. */
    trustProxy: string[];
    /** How long an API that is ending still accepts connections, in seconds. */
    shutdownDelayS: number;
  };
  /** The command line's settings for the API. */
  client: {
    url?: string;
    key?: string;
  };
  /** Folder of the embedded servers, absolute. */
  dataDir: string;
  /** Folder for fetched programs, absolute. */
  cacheDir: string;
  /** PostgreSQL to use; absent: the embedded one. */
  databaseUrl?: string;
  /** Maximum number of connections to it of one process. */
  databaseConnections: number;
  /** Port of the embedded PostgreSQL; absent: a free one, picked once. */
  postgresPort?: number;
  temporal: TemporalConfig;
  /** Days for which Temporal keeps workflows that have ended; absent: as its namespace says. */
  temporalRetentionDays?: number;
  /** The build of this process's worker; absent when it has no version. */
  workerVersion?: WorkerVersion;
  /** Port of the embedded Temporal server. */
  temporalPort: number;
  /** Port of the embedded Temporal server's web interface. */
  temporalUiPort: number;
  /** Where Temporal's web interface is, without a slash at the end; absent when Temporal is external and the setting is missing. */
  temporalUiUrl?: string;
  /** Path of the Temporal CLI to use. */
  temporalCli?: string;
  /** Path of the time-skipping test server to use. */
  temporalTestServer?: string;
  /** Concurrent attempts of one worker for a subscription without a limit of its own. */
  maxConcurrentAttempts: number;
  /** Days that events are kept unless an account has its own; 0 keeps them indefinitely. */
  retentionDays: number;
  /** Hours for which the response of a request with an idempotency key is stored. */
  idempotencyHours: number;
  /** Days for which the audit log is kept. */
  auditDays: number;
  /** Whether payloads, bodies and responses are encrypted in the database. */
  encryptPayloads: boolean;
  /** The installation's delivery policy. */
  deliveryPolicy?: DeliveryPolicy;
  /** When a delivery gets a workflow. */
  workflows: WorkflowMode;
  metrics: {
    /** Where a worker that runs by itself serves them; absent: nowhere. */
    port?: number;
    /** Key that may read them and nothing else. */
    key?: string;
    /** Whether they may be read without a key. */
    open: boolean;
  };
  /** Whether spans are sent; OpenTelemetry reads its own variables for where and how. */
  traced: boolean;
  egress: EgressConfig;
  /** The SMTP server, and who mails are from; absent when none are sent. */
  mail?: { smtpUrl: string; from: string };
  /** 32 bytes. */
  encryptionKey?: Buffer;
  /** Keys that open what they once sealed, 32 bytes each. */
  previousEncryptionKeys?: Buffer[];
  logLevel: LogLevel;
}

/** The settings cannot be used; `problems` says why, one line each. */
export class ConfigError extends OperatorError {
  constructor(readonly problems: readonly string[]) {
    const title = problems.length === 1 ? 'One setting is wrong' : `${problems.length} settings are wrong`;
    super(`${title}:\n${problems.map((problem) => `  ${sentence(problem)}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** With a full stop, unless it is a question. */
const sentence = (problem: string): string => (problem.endsWith('?') ? problem : `${problem}.`);

/**
 * Reads every setting from the environment; an empty one counts as not set.
 *
 * @throws ConfigError listing everything that is wrong at once
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const withSecrets = withSecretFiles(env, problems);
  const values = readValues(withSecrets, problems);
  const temporal = readTemporal(withSecrets, values, problems);
  problems.push(...unknownNames(env));
  const config = assemble(values, temporal, env);
  problems.push(...samePorts(config), ...sameKeys(config), ...mailWithoutSender(withSecrets));
  problems.push(...missingForOidc(withSecrets));
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function assemble(values: Values, temporal: TemporalConfig, env: NodeJS.ProcessEnv): Config {
  const temporalUiPort = values.PIGEONPOST_TEMPORAL_UI_PORT ?? defaults.temporalUiPort;
  const temporalUiUrl =
    values.PIGEONPOST_TEMPORAL_UI_URL ?? (temporal.embedded ? `http://localhost:${temporalUiPort}` : undefined);
  return {
    api: assembleApi(values),
    client: { ...optional('url', values.PIGEONPOST_URL), ...optional('key', values.PIGEONPOST_API_KEY) },
    dataDir: values.PIGEONPOST_DATA_DIR ?? defaultDataDir(env),
    cacheDir: values.PIGEONPOST_CACHE_DIR ?? defaultCacheDir(env),
    ...optional('databaseUrl', values.DATABASE_URL),
    databaseConnections: values.PIGEONPOST_DATABASE_CONNECTIONS ?? defaults.databaseConnections,
    ...optional('postgresPort', values.PIGEONPOST_POSTGRES_PORT),
    temporal,
    ...optional('temporalRetentionDays', temporalRetention(values, temporal)),
    ...optional('workerVersion', readWorkerVersion(values)),
    temporalPort: values.PIGEONPOST_TEMPORAL_PORT ?? defaults.temporalPort,
    temporalUiPort,
    ...optional('temporalUiUrl', temporalUiUrl?.replace(/\/+$/, '')),
    ...optional('temporalCli', values.PIGEONPOST_TEMPORAL_CLI),
    ...optional('temporalTestServer', values.PIGEONPOST_TEMPORAL_TEST_SERVER),
    ...optional('deliveryPolicy', values.PIGEONPOST_DELIVERY_POLICY),
    workflows: values.PIGEONPOST_WORKFLOWS ?? defaults.workflows,
    maxConcurrentAttempts: values.PIGEONPOST_MAX_CONCURRENT_ATTEMPTS ?? defaults.maxConcurrentAttempts,
    retentionDays: values.PIGEONPOST_RETENTION_DAYS ?? defaults.retentionDays,
    idempotencyHours: values.PIGEONPOST_IDEMPOTENCY_HOURS ?? defaults.idempotencyHours,
    auditDays: values.PIGEONPOST_AUDIT_DAYS ?? defaults.auditDays,
    encryptPayloads: values.PIGEONPOST_ENCRYPT_PAYLOADS ?? false,
    metrics: {
      open: values.PIGEONPOST_METRICS_OPEN ?? false,
      ...optional('port', values.PIGEONPOST_METRICS_PORT),
      ...optional('key', values.PIGEONPOST_METRICS_KEY),
    },
    traced: (values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined,
    egress: assembleEgress(values, temporal),
    ...assembleMail(values),
    ...optional('encryptionKey', values.PIGEONPOST_ENCRYPTION_KEY),
    ...optional('previousEncryptionKeys', values.PIGEONPOST_ENCRYPTION_KEY_PREVIOUS),
    logLevel: values.PIGEONPOST_LOG_LEVEL ?? defaults.logLevel,
  };
}

function temporalRetention(values: Values, { embedded }: TemporalConfig): number | undefined {
  return values.PIGEONPOST_TEMPORAL_RETENTION_DAYS ?? (embedded ? EMBEDDED_TEMPORAL_RETENTION_DAYS : undefined);
}

function assembleApi(values: Values): Config['api'] {
  const maxBodyBytes = values.PIGEONPOST_MAX_BODY_BYTES ?? defaults.maxBodyBytes;
  return {
    host: values.PIGEONPOST_HOST ?? defaults.host,
    port: values.PIGEONPOST_PORT ?? defaults.port,
    maxBodyBytes,
    maxCommitBytes: values.PIGEONPOST_MAX_COMMIT_BYTES ?? Math.max(defaults.maxCommitBytes, 4 * maxBodyBytes),
    maxSubscriptions: values.PIGEONPOST_MAX_SUBSCRIPTIONS ?? defaults.maxSubscriptions,
    unknownEventTypes: values.PIGEONPOST_UNKNOWN_EVENT_TYPES ?? defaults.unknownEventTypes,
    publicCatalogue: values.PIGEONPOST_PUBLIC_CATALOGUE ?? false,
    sessionHours: values.PIGEONPOST_SESSION_HOURS ?? defaults.sessionHours,
    portal: readPortal(values),
    ...optional('publicUrl', values.PIGEONPOST_PUBLIC_URL),
    trustProxy: values.PIGEONPOST_TRUST_PROXY ?? [],
    shutdownDelayS: values.PIGEONPOST_SHUTDOWN_DELAY_SECONDS ?? defaults.shutdownDelayS,
    ...optional('adminKey', values.PIGEONPOST_ADMIN_KEY),
    ...optional('oidc', readOidc(values)),
  };
}

function assembleEgress(values: Values, temporal: TemporalConfig): EgressConfig {
  const allEmbedded = temporal.embedded && values.DATABASE_URL === undefined;
  return {
    allowNetworks: values.PIGEONPOST_ALLOW_NETWORKS ?? (allEmbedded ? [...EMBEDDED_NETWORKS] : []),
    allowHttp: values.PIGEONPOST_ALLOW_HTTP ?? allEmbedded,
    resolve: values.PIGEONPOST_RESOLVE ?? [],
    ...optional('extraCa', values.PIGEONPOST_CA_FILE),
    ...optional('allowPorts', values.PIGEONPOST_ALLOW_PORTS),
    ...optional('tlsMinVersion', values.PIGEONPOST_TLS_MIN_VERSION),
    ...optional('proxy', values.PIGEONPOST_EGRESS_PROXY),
  };
}

function assembleMail(values: Values): Pick<Config, 'mail'> {
  const { PIGEONPOST_SMTP_URL: smtpUrl, PIGEONPOST_MAIL_FROM: from } = values;
  return smtpUrl === undefined || from === undefined ? {} : { mail: { smtpUrl, from } };
}

function mailWithoutSender(env: NodeJS.ProcessEnv): string[] {
  const isSet = (name: string): boolean => (env[name]?.trim() ?? '') !== '';
  if (!isSet('PIGEONPOST_SMTP_URL') || isSet('PIGEONPOST_MAIL_FROM')) return [];
  return ['PIGEONPOST_MAIL_FROM is missing: write the sender of the mails that PIGEONPOST_SMTP_URL sends'];
}

function optional<Name extends string, T>(name: Name, value: T | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { [Key in Name]?: T };
}

/** Who may only read metrics must not be able to do everything else. */
function sameKeys({ api, metrics }: Config): string[] {
  if (metrics.key === undefined || metrics.key !== api.adminKey) return [];
  return ['PIGEONPOST_METRICS_KEY is PIGEONPOST_ADMIN_KEY: make another key for metrics'];
}

/** Two servers of ours cannot share a port, and the second one's own complaint would not name the setting. */
function samePorts(config: Config): string[] {
  const ports: [name: string, port: number | undefined][] = [['PIGEONPOST_PORT', config.api.port]];
  if (config.databaseUrl === undefined) ports.push(['PIGEONPOST_POSTGRES_PORT', config.postgresPort]);
  if (config.temporal.embedded) {
    ports.push(
      ['PIGEONPOST_TEMPORAL_PORT', config.temporalPort],
      ['PIGEONPOST_TEMPORAL_UI_PORT', config.temporalUiPort],
    );
  }
  return ports.flatMap(([name, port], index) => {
    const [other] = ports.slice(0, index).find(([, taken]) => port && taken === port) ?? [];
    return other === undefined ? [] : [`${name} and ${other} are both ${port}: give each a port of its own`];
  });
}
