/** What of Pigeonpost listens where, as far as this process knows; and when its loopback is open to others. */
import { isIP } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { createAddressGuard } from '../egress/address.js';
import { OwnListeners } from '../egress/own-listeners.js';
import { sdkMetricsUrl } from '../telemetry/exposition.js';

const LOOPBACK = ['127.0.0.1', '::1'];
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'postgres:': 5432 };

export interface OwnServers {
  readonly databaseUrl: string;
  readonly temporal: { readonly connectionOptions: { readonly address: string } };
  /** URLs of what else the embedded servers serve. */
  readonly embeddedUrls?: readonly string[];
}

/**
 * The ports that the settings name, those of database and Temporal, and the exporter of Temporal's SDK. A port that the
 * system picks is to be added once it is known.
 */
export function ownListeners(config: Config, { databaseUrl, temporal, embeddedUrls = [] }: OwnServers): OwnListeners {
  const own = new OwnListeners();
  const { temporalUiUrl, egress } = config;
  const ports = [config.api.port, config.metrics.port ?? 0];
  if (config.temporal.embedded) ports.push(config.temporalUiPort);
  for (const port of ports) if (port > 0) own.add('127.0.0.1', port);
  const urls = [databaseUrl, `http://${temporal.connectionOptions.address}`, temporalUiUrl, egress.proxy];
  for (const url of [...urls, ...embeddedUrls, sdkMetricsUrl()]) if (url !== undefined) addUrl(own, url);
  return own;
}

/** Adds where a URL leads; nothing for a server behind a socket of the file system. */
export function addUrl(own: OwnListeners, url: string): void {
  if (!URL.canParse(url)) return;
  const { hostname, port, protocol } = new URL(url);
  if (hostname === '') return;
  own.add(hostname, port === '' ? (DEFAULT_PORTS[protocol.replace('postgresql:', 'postgres:')] ?? 0) : Number(port));
}

/** Warns when others can reach the API, and through it whatever listens on this machine's loopback. */
export function warnOfOpenLoopback({ api: { host }, egress: { allowNetworks } }: Config, log: Logger): void {
  const permits = createAddressGuard(allowNetworks);
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (isLocal || !LOOPBACK.some(permits)) return;
  log.warn(
    `the API listens on ${host} and receivers on this machine are allowed: anyone with the key of an account can send ` +
      'requests to any server on 127.0.0.1. Set PIGEONPOST_ALLOW_NETWORKS=none, or PIGEONPOST_HOST=127.0.0.1',
  );
}
