import { z } from 'zod';
import { defaults, EMBEDDED_TEMPORAL_RETENTION_DAYS, MAX_RETENTION_DAYS } from './defaults.js';
import { flag, wholeNumber, type SettingDefinition } from './formats.js';

/** Temporal refuses a dot and a colon in the name of a deployment, as it joins it with the build by one of them. */
const deploymentName = z.string().regex(/^\w[\w-]{0,62}$/, {
  error: 'write at most 63 letters, digits, - and _, and no dot',
});
const buildId = z.string().regex(/^\w[\w.+-]{0,62}$/, { error: 'write at most 63 letters, digits, and - _ . +' });

/** Settings of a Temporal server that runs elsewhere, by the names that Temporal's own programs read. */
export const temporalSettings = {
  TEMPORAL_ADDRESS: {
    description: 'Temporal server to use, host:port.',
    default: 'an embedded development server',
    schema: z
      .string()
      .regex(/^(\[[\da-f:.]+\]|[^\s/:[\]]+)(:\d{1,5})?$/i, { error: 'write host:port, without a scheme' }),
  },
  TEMPORAL_NAMESPACE: {
    description: 'Namespace on that server.',
    default: defaults.namespace,
    schema: z.string(),
  },
  TEMPORAL_API_KEY: { description: 'API key for that server; turns TLS on.', secret: true, schema: z.string() },
  TEMPORAL_TLS: {
    description: 'Whether to connect with TLS.',
    default: 'false without other TLS settings',
    schema: flag,
  },
  TEMPORAL_TLS_CLIENT_CERT_PATH: { description: 'PEM file with the client certificate.', schema: z.string() },
  TEMPORAL_TLS_CLIENT_CERT_DATA: { description: 'The client certificate itself, PEM.', schema: z.string() },
  TEMPORAL_TLS_CLIENT_KEY_PATH: { description: 'PEM file with the key of the client certificate.', schema: z.string() },
  TEMPORAL_TLS_CLIENT_KEY_DATA: {
    description: 'The key of the client certificate itself, PEM.',
    secret: true,
    schema: z.string(),
  },
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: {
    description: "PEM file with the certificate authority of the server's certificate.",
    schema: z.string(),
  },
  TEMPORAL_TLS_SERVER_CA_CERT_DATA: { description: 'That certificate authority itself, PEM.', schema: z.string() },
  TEMPORAL_TLS_SERVER_NAME: { description: "Name expected in the server's certificate.", schema: z.string() },
  TEMPORAL_PROFILE: { description: "Profile to use from Temporal's configuration file.", schema: z.string() },
  TEMPORAL_CONFIG_FILE: {
    description: "Temporal's configuration file (TOML); its profile names the server to use.",
    schema: z.string(),
  },
  PIGEONPOST_TEMPORAL_RETENTION_DAYS: {
    description:
      'Days for which Temporal keeps workflows that have ended, about 20 KB each; a worker sets them on the namespace.',
    default: `${EMBEDDED_TEMPORAL_RETENTION_DAYS} when Temporal is embedded, else what the namespace has`,
    schema: wholeNumber(1, MAX_RETENTION_DAYS, 'a number of days'),
  },
  PIGEONPOST_WORKER_DEPLOYMENT: {
    description:
      "Name of this installation's workers in Temporal's Worker Versioning: workers of several builds may run beside each other, and the current one gets the deliveries.",
    default: 'workers without a version',
    schema: deploymentName,
  },
  PIGEONPOST_WORKER_BUILD_ID: {
    description: 'Build of this worker in that deployment.',
    default: 'the version of Pigeonpost',
    schema: buildId,
  },
} as const satisfies Record<string, SettingDefinition>;

/** Settings that only mean something for a server that runs elsewhere. */
export const onlyExternal = [
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_TLS',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_CERT_DATA',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_DATA',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_DATA',
  'TEMPORAL_TLS_SERVER_NAME',
  'PIGEONPOST_WORKER_DEPLOYMENT',
  'PIGEONPOST_WORKER_BUILD_ID',
] as const satisfies readonly (keyof typeof temporalSettings)[];
