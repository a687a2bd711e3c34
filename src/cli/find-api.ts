/** Where the API is and which key it takes: as configured, or as the Pigeonpost of this folder has it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig, type Config } from '../config/config.js';
import { errorCode, explainFileError, OperatorError } from '../lib/errors.js';

/** The options of the command line. */
export interface ApiOptions {
  readonly url?: string;
  readonly key?: string;
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const EVERY_INTERFACE = new Set(['0.0.0.0', '::']);

/**
 * The command line's word counts, then PIGEONPOST_URL and PIGEONPOST_API_KEY, then what this folder's settings and
 * files say. Our own admin key is never sent to another address.
 *
 * @throws OperatorError that says what to set
 */
export async function findApi(options: ApiOptions, env: NodeJS.ProcessEnv): Promise<{ url: string; key: string }> {
  const config = loadConfig(env);
  const own = ownUrl(config);
  const url = options.url ?? config.client.url ?? own;
  if (url === undefined)
    throw new OperatorError(
      'PIGEONPOST_PORT is 0, so where the API listens is not known here.',
      'Set --url or PIGEONPOST_URL to the address that was printed when it started.',
    );
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new OperatorError(`--url is "${url}".`, 'Write a URL like http://127.0.0.1:8080.');
  const key = options.key ?? config.client.key;
  if (key !== undefined) return { url, key };
  if (own === undefined || !isSame(new URL(url), new URL(own)))
    throw new OperatorError(`No key for ${url} is known.`, 'Set --key or PIGEONPOST_API_KEY.');
  return { url, key: config.api.adminKey ?? (await keptKey(config)) };
}

function ownUrl({ api: { host, port } }: Config): string | undefined {
  if (port === 0) return undefined;
  const reached = EVERY_INTERFACE.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${reached}:${port}`;
}

function isSame(one: URL, other: URL): boolean {
  return (
    one.origin === other.origin ||
    (one.protocol === other.protocol &&
      one.port === other.port &&
      LOOPBACK.has(one.hostname) &&
      LOOPBACK.has(other.hostname))
  );
}

async function keptKey({ dataDir }: Config): Promise<string> {
  const path = join(dataDir, 'admin-key');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw explainFileError(error, path);
    throw new OperatorError(
      `No key is known: there is no file ${path}.`,
      'Start Pigeonpost here with `npm start`, or set --key or PIGEONPOST_API_KEY.',
    );
  }
}
