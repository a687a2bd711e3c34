/** The API: that it responds and takes our key; where it does not run, that its port is free. */
import { createClient, unwrap, ApiError } from '../../client/index.js';
import type { Config } from '../../config/config.js';
import { isFree } from '../../embedded/ports.js';
import { errorMessage } from '../../lib/errors.js';
import { findApi, type ApiOptions } from '../find-api.js';
import { ok, problem, warning, type Finding } from './finding.js';

const NAME = 'API';
const MAX_WAIT_MS = 5_000;

export async function api(config: Config, options: ApiOptions, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { url, key } = await findApi({ ...options, key: options.key ?? 'unknown' }, env);
  const ready = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(MAX_WAIT_MS) }).catch(
    () => undefined,
  );
  if (!ready) return [await absent(config, url)];
  const body = (await ready.json().catch(() => undefined)) as Record<string, string> | undefined;
  if (body?.status === undefined)
    return [
      problem(NAME, `What listens at ${url} is not Pigeonpost.`, 'Stop it, or set PIGEONPOST_PORT to another port.'),
    ];
  const unavailable = Object.entries(body).filter(([name, state]) => name !== 'status' && state !== 'ok');
  if (unavailable.length > 0)
    return [
      problem(
        NAME,
        `${url} is not ready: ${unavailable.map(([name, state]) => `${name} ${state}`).join(', ')}.`,
        'See below.',
      ),
    ];
  const known = options.key === undefined ? await findApi(options, env).catch(() => undefined) : { key };
  return [ok(NAME, `ready at ${url}`), known ? await keyFinding(url, known.key) : noKey];
}

const noKey = warning('API key', 'None is known here.', 'Set PIGEONPOST_API_KEY, or give --key.');

async function absent({ api: { port, host } }: Config, url: string): Promise<Finding> {
  const advice = 'Start it with `npm start` or `pigeonpost api`; where it runs elsewhere, set PIGEONPOST_URL.';
  const own = ['127.0.0.1', 'localhost', '0.0.0.0', '::1', '::'].includes(host) && new URL(url).port === String(port);
  return !own || (await isFree(port))
    ? warning(NAME, `Nothing responds at ${url}.`, advice)
    : problem(NAME, `Something else listens at port ${port}.`, 'Stop it, or set PIGEONPOST_PORT to another port.');
}

async function keyFinding(url: string, key: string): Promise<Finding> {
  try {
    await unwrap(createClient({ url, key }).GET('/v1/accounts', { params: { query: { limit: 1 } } }));
    return ok('API key', 'accepted');
  } catch (error) {
    return error instanceof ApiError && error.status === 401
      ? problem('API key', 'The API refuses it.', 'Set PIGEONPOST_API_KEY to the key of the API, or give --key.')
      : problem('API key', `${errorMessage(error)}.`);
  }
}
