/** The Python client and verifier, made of the API's document and used as their users would, against a live system. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { orSkip } from '../support/installed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY } from '../support/api.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(240_000);

const run = promisify(execFile);
const sources = join(__dirname, '../../clients/python');

/** The version of a python3 that is new enough; undefined without one. */
const version = spawnSync('python3', [
  '-c',
  'import sys; print(sys.version) if sys.version_info >= (3, 11) else exit(1)',
]);
const python3 = version.status === 0 ? String(version.stdout) : undefined;
const test = orSkip(
  it,
  python3,
  'the Python client needs Python 3.11 or later; install it (apt-get install python3 python3-venv)',
);

let system: TestSystem;
let receiver: Receiver;
let folder: string;
/** The interpreter of an environment in which the package is installed. */
let python: string;

beforeAll(async () => {
  [system, receiver, folder] = await Promise.all([
    startSystem(),
    startReceiver(),
    mkdtemp(join(tmpdir(), 'pigeonpost-python-')),
  ]);
  if (python3 === undefined) return;
  await run(join(sources, 'generate.sh'), [`${system.url}/openapi.json`, join(folder, 'package')]);
  await run('python3', ['-m', 'venv', '--without-pip', join(folder, 'venv')]);
  python = join(folder, 'venv', 'bin', 'python');
  await run('python3', ['-m', 'pip', '--python', python, 'install', '--quiet', join(folder, 'package')]);
});
afterAll(async () => {
  await Promise.all([system.stop(), receiver.close(), rm(folder, { recursive: true, force: true })]);
});

const verifying = `
import json, sys
from pigeonpost.verify import VerificationError, verify
given = json.load(open(sys.argv[1]))
try:
    print(json.dumps(verify(given["body"], given["headers"], given["secrets"])))
except VerificationError as error:
    print("refused:", error)
`;

async function verified(given: { body: string; headers: object; secrets: string | string[] }): Promise<string> {
  const file = join(folder, 'given.json');
  await writeFile(file, JSON.stringify(given));
  return (await run(python, ['-c', verifying, file])).stdout.trim();
}

test('a program in Python registers, emits, waits and verifies', async () => {
  const { stdout } = await run(python, [join(sources, 'example.py'), `${receiver.url}/in`], {
    env: { ...process.env, PIGEONPOST_URL: system.url, PIGEONPOST_KEY: ADMIN_KEY },
  });
  const [, secret] = /^dlv_\w+ delivered (whsec_\S+)\n$/.exec(stdout) ?? [];
  expect({ stdout, hasSecret: secret !== undefined }).toEqual({ stdout, hasSecret: true });

  const { body, headers } = (await receiver.waitFor(1))[0]!;
  const other = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const inCapitals = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));
  expect(JSON.parse(await verified({ body, headers: inCapitals, secrets: [other, secret!] }))).toEqual(
    JSON.parse(body),
  );
  expect(await verified({ body: body.replace('7', '8'), headers, secrets: secret! })).toMatch(/^refused: /);
  expect(await verified({ body, headers, secrets: other })).toMatch(/^refused: /);
});
