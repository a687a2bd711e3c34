/** The configuration of a Temporal server on PostgreSQL, as YAML. JSON is YAML, so it is made by JSON.stringify. */
import { resolve } from 'node:path';
import { LOCALHOST } from '#src/embedded/ports.js';

/** That of the Compose file and of the Helm chart; this file is compiled into tools/out/cluster. */
const DYNAMIC_CONFIG = resolve(__dirname, '../../../deploy/temporal/dynamic-config.yaml');

interface ServicePorts {
  readonly grpc: number;
  readonly membership: number;
}

export interface TemporalPorts {
  readonly frontend: ServicePorts;
  readonly history: ServicePorts;
  readonly matching: ServicePorts;
  readonly worker: ServicePorts;
  /** Of the frontend's HTTP API. */
  readonly http: number;
}

/** Connections to PostgreSQL of each of the four services. */
const CONNECTIONS = 10;
const VISIBILITY_CONNECTIONS = 5;
/** Shards are fixed for the life of a cluster. Few, for one machine. */
const SHARDS = 4;

/** The content of the file. `postgres` has the host, the port, the user and the password. */
export function temporalConfig(ports: TemporalPorts, postgres: URL): string {
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: postgres.host,
      connectProtocol: 'tcp',
      user: postgres.username,
      password: decodeURIComponent(postgres.password),
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const service = ({ grpc, membership }: ServicePorts, more: object = {}) => ({
    rpc: { grpcPort: grpc, membershipPort: membership, bindOnLocalHost: true, ...more },
  });
  return JSON.stringify(
    {
      log: { stdout: true, level: 'warn' },
      persistence: {
        defaultStore: 'default',
        visibilityStore: 'visibility',
        numHistoryShards: SHARDS,
        datastores: {
          default: store('temporal', CONNECTIONS),
          visibility: store('temporal_visibility', VISIBILITY_CONNECTIONS),
        },
      },
      global: { membership: { maxJoinDuration: '30s', broadcastAddress: LOCALHOST } },
      services: {
        frontend: service(ports.frontend, { httpPort: ports.http }),
        history: service(ports.history),
        matching: service(ports.matching),
        worker: service(ports.worker),
      },
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: 'active',
        currentClusterName: 'active',
        clusterInformation: {
          active: {
            enabled: true,
            initialFailoverVersion: 1,
            rpcName: 'frontend',
            rpcAddress: `${LOCALHOST}:${ports.frontend.grpc}`,
          },
        },
      },
      dcRedirectionPolicy: { policy: 'noop' },
      dynamicConfigClient: { filepath: DYNAMIC_CONFIG, pollInterval: '60s' },
    },
    null,
    2,
  );
}
