import { existsSync } from 'node:fs';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { errorMessage } from '../lib/errors.js';
import { readPackage } from '../lib/package.js';
import { defaults } from './defaults.js';
import type { Values } from './settings.js';
import { certificateProblems } from './temporal-certificates.js';
import { onlyExternal } from './temporal-settings.js';

type ConnectionOptions = ClientConnectConfig['connectionOptions'];

/** How to connect to a Temporal server, both for a client's and a worker's connection. */
export type TemporalConnectionOptions = Pick<ConnectionOptions, 'apiKey' | 'metadata' | 'tls'> & { address: string };

interface ExternalTemporal {
  embedded: false;
  connectionOptions: TemporalConnectionOptions;
  namespace: string;
}

/** Which Temporal is used: the embedded development server, or one that runs elsewhere. */
export type TemporalConfig = { embedded: true } | ExternalTemporal;

/** A build of the workers of one installation, for Temporal's Worker Versioning. */
export interface WorkerVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

/** The build of this process's worker; undefined when no deployment is set. */
export function readWorkerVersion(values: Values): WorkerVersion | undefined {
  const { PIGEONPOST_WORKER_DEPLOYMENT: deploymentName, PIGEONPOST_WORKER_BUILD_ID: buildId } = values;
  if (deploymentName === undefined) return undefined;
  return { deploymentName, buildId: buildId ?? readPackage().version };
}

/** Reads which Temporal to use, adding what is wrong to `problems`. */
export function readTemporal(env: NodeJS.ProcessEnv, values: Values, problems: string[]): TemporalConfig {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_PROFILE: profile, TEMPORAL_CONFIG_FILE: file } = values;
  if (address === undefined && profile === undefined && file === undefined) {
    for (const name of onlyExternal.filter((name) => values[name] !== undefined)) {
      problems.push(`${name} is set without TEMPORAL_ADDRESS: set TEMPORAL_ADDRESS too, or unset ${name}`);
    }
    return { embedded: true };
  }
  if (file !== undefined && !existsSync(file)) {
    problems.push(`TEMPORAL_CONFIG_FILE is "${file}": write the path of a file; there is none`);
    return { embedded: true };
  }
  const has = (half: 'CERT' | 'KEY') =>
    (values[`TEMPORAL_TLS_CLIENT_${half}_PATH`] ?? values[`TEMPORAL_TLS_CLIENT_${half}_DATA`]) !== undefined;
  if (has('CERT') !== has('KEY')) {
    problems.push('TEMPORAL_TLS_CLIENT_CERT_… and TEMPORAL_TLS_CLIENT_KEY_… belong together: set both, or none');
  }
  try {
    const config = connectConfig(env, values);
    problems.push(...certificateProblems(config.connectionOptions.tls));
    return config;
  } catch (error) {
    problems.push(`The TEMPORAL_… settings cannot be used: ${errorMessage(error)}`);
    return { embedded: true };
  }
}

function connectConfig(env: NodeJS.ProcessEnv, values: Values): ExternalTemporal {
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: temporalVariables(env, values) });
  const { address, apiKey, metadata, tls } = connectionOptions;
  if (address === undefined) throw new Error('no server address; set TEMPORAL_ADDRESS, or address in the profile');
  return {
    embedded: false,
    connectionOptions: {
      address,
      ...(apiKey !== undefined && { apiKey }),
      ...(metadata !== undefined && { metadata }),
      ...(tls !== undefined && { tls }),
    },
    namespace: namespace ?? defaults.namespace,
  };
}

/** The environment as the SDK should see it: empty settings are unset, and TEMPORAL_TLS is one of its own two words. */
function temporalVariables(env: NodeJS.ProcessEnv, values: Values): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => (entry[1] ?? '').trim() !== '');
  const variables = Object.fromEntries(set.map(([name, value]) => [name, value.trim()]));
  if (values.TEMPORAL_TLS !== undefined) variables.TEMPORAL_TLS = String(values.TEMPORAL_TLS);
  return variables;
}
