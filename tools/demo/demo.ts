/** `npm run demo`: every contract at work against local receivers. */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { findApi } from '#src/cli/find-api.js';
import { watchSignals, type Signals } from '#src/server/signals.js';
import { startUp, type Up } from '#src/server/up.js';
import { loadConfig } from '#src/config/config.js';
import { OperatorError } from '#src/lib/errors.js';
import { DEMO_HOST, makeCertificate } from './certificates.js';
import { createDemoClient, type DemoClient } from './client.js';
import { serve, type ReceiverPath } from './receivers.js';
import { play, scenes, type Scene } from './scenes.js';
import { createDrawing, type Row } from './table.js';

/** How often the table looks at the deliveries, in milliseconds. */
const LOOK_EVERY_MS = 500;
/** Without a terminal the demo ends by itself, after this long at most, in milliseconds. */
const MAX_MS = 60_000;

interface Shown {
  readonly scene: Scene;
  readonly deliveryId: string;
}

interface DeliveryView {
  readonly state: string;
  readonly nextAttemptAt: string | null;
  readonly workflowId: string;
  readonly temporalUrl: string | null;
  readonly attempts: readonly { readonly status: number | null; readonly reason: string | null }[];
}

export async function demo(): Promise<void> {
  const signals = watchSignals();
  const paths = new Map<string, ReceiverPath>();
  const plain = createHttpServer(serve('', paths));
  const plainPort = await listen(plain);
  const running = await findRunning();
  const secure = running ? undefined : await secureReceiver(paths);
  const up = running ? undefined : await startUp();
  try {
    await show(running ?? up!, secure !== undefined, plainPort, paths, signals);
  } finally {
    plain.close();
    secure?.close();
    await up?.stop();
  }
}

/** Plays every scene that can be played and shows what becomes of it. */
async function show(
  { url, adminKey }: Pick<Up, 'url' | 'adminKey'>,
  hasSecureReceiver: boolean,
  plainPort: number,
  paths: Map<string, ReceiverPath>,
  signals: Signals,
): Promise<void> {
  const client = createDemoClient(url, adminKey);
  const playable = scenes.filter((scene) => hasSecureReceiver || !scene.secure);
  console.log(`\nPigeonpost is at ${url}; the Temporal UI at ${loadConfig().temporalUiUrl ?? '(unknown)'}\n`);
  if (!hasSecureReceiver) {
    console.log('It was running already and does not trust the demo’s certificate, so the contracts that demand https');
    console.log('are left out. Stop it and run the demo again to see all six.\n');
  }
  const shown: Shown[] = [];
  for (const scene of playable) {
    const origin = scene.secure ? `https://${DEMO_HOST}` : `http://127.0.0.1:${plainPort}`;
    const deliveryId = await play(client, scene, origin, paths);
    const { temporalUrl, workflowId } = await client.get<DeliveryView>(`/v1/deliveries/${deliveryId}`);
    console.log(`  ${scene.title}\n    ${temporalUrl ?? workflowId}`);
    shown.push({ scene, deliveryId });
  }
  console.log('');
  await watch(client, shown, paths, signals);
}

/** A Pigeonpost that runs already with the settings of this one; throws an OperatorError where it takes another key. */
async function findRunning(): Promise<Pick<Up, 'url' | 'adminKey'> | undefined> {
  const { api } = loadConfig();
  const url = `http://${api.host}:${api.port}`;
  const alive = await fetch(`${url}/healthz`).then(
    (response) => response.ok,
    () => false,
  );
  if (!alive) return undefined;
  const adminKey = await findApi({ url }, process.env).then(
    ({ key }) => key,
    () => undefined,
  );
  if (adminKey !== undefined && (await takesKey(url, adminKey))) return { url, adminKey };
  throw new OperatorError(
    `Something else runs at ${url}, a Pigeonpost with another data folder or key.`,
    'Stop it, set PIGEONPOST_DATA_DIR to its data folder, or set PIGEONPOST_PORT to another port.',
  );
}

async function takesKey(url: string, key: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${key}` } });
  const { role } = (await response.json().catch(() => ({}))) as { role?: string };
  return role === 'operator';
}

/** An https receiver under the demo's name; the settings contain its address and certificate. */
async function secureReceiver(paths: ReadonlyMap<string, ReceiverPath>): Promise<Server> {
  const { key, cert, file } = await makeCertificate(loadConfig().dataDir);
  const server = createHttpsServer({ key, cert }, serve(`https://${DEMO_HOST}`, paths));
  const port = await listen(server);
  process.env.PIGEONPOST_CA_FILE = file;
  process.env.PIGEONPOST_RESOLVE = `${DEMO_HOST}:443:127.0.0.1:${port}`;
  return server;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Draws the table until stopped; without a terminal, until nothing more will happen soon. */
async function watch(
  client: DemoClient,
  shown: readonly Shown[],
  paths: ReadonlyMap<string, ReceiverPath>,
  signals: Signals,
): Promise<void> {
  const draw = createDrawing(process.stdout);
  const end = Date.now() + MAX_MS;
  let stopped = false;
  const stop = signals.orderly().then(() => (stopped = true));
  let nudged = false;
  while (!stopped) {
    const views = await Promise.all(
      shown.map(({ deliveryId }) => client.get<DeliveryView>(`/v1/deliveries/${deliveryId}`)),
    );
    draw(shown.map(({ scene }, index) => toRow(scene, views[index]!, paths)));
    const flaky = shown.findIndex(({ scene }) => scene.path === '/flaky');
    if (!nudged && views[flaky]?.attempts.length === 2) {
      // The schedule would wait five minutes now; an operator need not.
      await client.post(`/v1/deliveries/${shown[flaky]!.deliveryId}/retry`);
      nudged = true;
    }
    const waiting = views.filter(({ state }) => state !== 'delivered').length;
    if (!process.stdout.isTTY && (waiting <= 1 || Date.now() > end)) return;
    await Promise.race([stop, new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))]);
  }
}

function toRow(scene: Scene, view: DeliveryView, paths: ReadonlyMap<string, ReceiverPath>): Row {
  const { state, nextAttemptAt, attempts } = view;
  return {
    title: scene.title,
    event: scene.eventType,
    state,
    attempts: attempts.map(({ status, reason }) => status ?? reason).join(' '),
    verification: paths.get(scene.path)?.verification ?? '',
    next: state === 'retrying' && nextAttemptAt ? new Date(nextAttemptAt).toLocaleTimeString('en-GB') : '',
  };
}
