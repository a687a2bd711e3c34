// Clones the committed tree to an empty folder, runs `npm start` there, delivers an event, stops it as Ctrl-C does and
// starts it again: the data must still be there.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { clearTimeout } from 'node:timers';
import { join } from 'node:path';

const START_LIMIT_MS = 15 * 60_000;
const DELIVERY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

/** The process that was started last, with a group of its own. */
let started;

const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-smoke-'));
const clone = join(folder, 'pigeonpost');

async function freePort() {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function start(ports) {
  const began = Date.now();
  // Detached: signals go to the whole group, as a terminal sends them.
  const child = spawn('npm', ['start'], { cwd: clone, detached: true, env: { ...process.env, ...ports } });
  let output = '';
  const up = new Promise((resolve, reject) => {
    const read = (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      const key = /Admin key\s+(\S+)/.exec(output);
      const url = /API\s+(http:\S+)/.exec(output);
      if (output.includes('Data  ') && key && url) resolve({ key: key[1], url: url[1] });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}`)));
    setTimeout(() => reject(new Error('npm start took too long')), START_LIMIT_MS).unref();
  });
  // It has a group of its own, which no one else would end.
  started = child;
  const result = await up;
  return { child, ...result, seconds: (Date.now() - began) / 1000, output: () => output };
}

/** Ends what was started and still runs: in order, so that PostgreSQL and Temporal end too, or else at once. */
async function endStarted() {
  if (!started || started.exitCode !== null || started.signalCode !== null) return;
  const ended = once(started, 'exit');
  process.kill(-started.pid, 'SIGINT');
  const late = setTimeout(() => process.kill(-started.pid, 'SIGKILL'), STOP_LIMIT_MS);
  await ended;
  clearTimeout(late);
}

async function stop({ child, output }) {
  // Not 'exit': the last words come through the pipe after it. npm itself ends by the signal.
  const ended = once(child, 'close');
  process.kill(-child.pid, 'SIGINT');
  await ended;
  if (!output().includes('the data stays in')) throw new Error('npm start did not stop in order after Ctrl-C');
}

async function ask({ url, key }, method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function delivered(running, id) {
  const end = Date.now() + DELIVERY_LIMIT_MS;
  for (;;) {
    const delivery = await ask(running, 'GET', `/v1/deliveries/${id}`);
    if (delivery.state === 'delivered') return delivery;
    if (Date.now() > end) throw new Error(`the delivery is still ${delivery.state}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The command line finds the running Pigeonpost and its key by itself. */
function commandLineFinds(id, ports) {
  const options = { cwd: clone, encoding: 'utf8', env: { ...process.env, ...ports } };
  const text = execFileSync('npx', ['--no-install', 'pigeonpost', 'deliveries', 'show', id, '--json'], options);
  if (JSON.parse(text).state !== 'delivered') throw new Error(`npx pigeonpost says: ${text}`);
}

const receiver = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end());
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');

let running;
process.once('SIGTERM', () => {
  void endStarted().then(() => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
});
try {
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', process.cwd(), clone], { stdio: 'inherit' });
  const ports = {
    PIGEONPOST_PORT: String(await freePort()),
    PIGEONPOST_TEMPORAL_PORT: String(await freePort()),
    PIGEONPOST_TEMPORAL_UI_PORT: String(await freePort()),
  };
  running = await start(ports);
  const account = await ask(running, 'POST', '/v1/accounts', { provider: 'standard', name: 'Smoke' });
  await ask(running, 'POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `http://127.0.0.1:${receiver.address().port}/`,
    eventTypes: [],
  });
  const event = await ask(running, 'POST', `/v1/accounts/${account.id}/events`, { type: 'smoke.test', data: {} });
  const [{ id }] = event.deliveries;
  await delivered(running, id);
  commandLineFinds(id, ports);
  await stop(running);

  running = await start(ports);
  await delivered(running, id);
  console.log(`second start: ${running.seconds.toFixed(1)} s, the delivery is still there`);
  await stop(running);
  running = undefined;
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await endStarted();
  receiver.close();
  rmSync(folder, { recursive: true, force: true });
}
