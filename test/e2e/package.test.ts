/** The package as `npm pack` makes it, in an empty folder: the first lines of the README, and what programs import. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { pickPort } from '../../src/embedded/ports.js';
import { eventually } from '../support/eventually.js';
import { withoutSettings } from '../support/own-settings.js';

/** The build, unless one of these sources is there, and an install of some 330 packages. */
const PREPARING_MS = 15 * 60_000;
const UP_MS = 120_000;
const MEGABYTE = 1_000_000;

const root = resolve(__dirname, '../..');
const run = promisify(execFile);

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let folder: string;
let project: string;
let packed: Packed;
let env: NodeJS.ProcessEnv;
let up: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-package-'));
  project = join(folder, 'project');
  mkdirSync(project);
  env = {
    ...withoutSettings({ ...process.env }),
    XDG_DATA_HOME: join(folder, 'data'),
    PIGEONPOST_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_UI_PORT: String(await pickPort()),
    PIGEONPOST_TEMPORAL_CLI: process.env.PIGEONPOST_TEST_TEMPORAL_CLI,
  };
  // Builds where needed. Then there is no need for `prepack` to build again.
  await run(process.execPath, ['scripts/run.mjs', '--version'], { cwd: root });
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 16 * MEGABYTE,
  });
  [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>) as [Packed];
  await run('npm', ['init', '--yes'], { cwd: project });
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...options, join(folder, packed.filename)], { cwd: project });
}, PREPARING_MS);

afterAll(async () => {
  if (up && up.exitCode === null && up.signalCode === null) await stop(up);
  rmSync(folder, { recursive: true, force: true });
});

test('holds what runs, and nothing else', () => {
  const others = packed.files.map(({ path }) => path).filter((path) => !/^dist\/[^.].*(?<!\.js\.map)$/.test(path));
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json']);
  expect(packed.size).toBeLessThan(3 * MEGABYTE);
  expect(packed.unpackedSize).toBeLessThan(10 * MEGABYTE);
});

test('brings no package that only development needs', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  // Three are needed by packages that a worker needs.
  const brought = Object.keys(devDependencies).filter((name) => existsSync(join(project, 'node_modules', name)));
  expect(brought.sort()).toEqual(['@swc/core', '@types/node', 'yaml']);
});

test('can be listed as the image lists it, in a bill of materials', async () => {
  const { stdout } = await run('npm', ['sbom', '--sbom-format=cyclonedx'], { cwd: project, maxBuffer: 64 * MEGABYTE });
  const { bomFormat, components } = JSON.parse(stdout) as { bomFormat: string; components: { purl: string }[] };
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(bomFormat).toBe('CycloneDX');
  const listed = components.map(({ purl }) => /^pkg:npm\/(.+)@[^@]+$/.exec(decodeURIComponent(purl))?.[1]);
  expect(listed).toEqual(expect.arrayContaining(['pigeonpost', ...Object.keys(dependencies)]));
});

describe('for programs', () => {
  const NAMES = 'typeof createClient, typeof verifyStandard';

  test.each([
    ['import', 'program.mjs', ['import { X } from "Y";']],
    ['require', 'program.cjs', ['const { X } = require("Y");']],
  ])('client and verifiers can be loaded with %s', async (_, file, [form]) => {
    const load = (name: string, from: string) => form!.replace('X', name).replace('Y', from);
    const lines = [
      load('createClient', 'pigeonpost/client'),
      load('verifyStandard', 'pigeonpost/verify'),
      `console.log(${NAMES});`,
    ];
    writeFileSync(join(project, file), lines.join('\n'));
    const { stdout } = await run(process.execPath, [file], { cwd: project });
    expect(stdout.trim()).toBe('function function');
  });

  test('the React component is loaded where React is, and nothing else needs it', async () => {
    useReact();
    const loaded = "console.log(typeof require('pigeonpost/react').PigeonpostPortal)";
    const { stdout } = await run(process.execPath, ['-e', loaded], { cwd: project });
    expect(stdout.trim()).toBe('function');
  });

  test(
    'they have types, with import and with require',
    async () => {
      useReact();
      const files = ['typed.cts', 'typed.mts'];
      const program = [
        "import { createClient } from 'pigeonpost/client';",
        "import { verifyStandard } from 'pigeonpost/verify';",
        "import { PigeonpostPortal } from 'pigeonpost/react';",
        "export const client: number = createClient({ url: 'http://127.0.0.1:8080', key: 'key' });",
        'export const verify: number = verifyStandard;',
        'export const portal: number = PigeonpostPortal;',
      ].join('\n');
      for (const file of files) writeFileSync(join(project, file), program);
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022'];
      const compiled = await run(process.execPath, [compiler, ...options, '--types', 'node', ...files], {
        cwd: project,
      }).catch((error: { stdout: string }) => error);
      // What has no type, or none that is found, could be a number.
      const mistakes = compiled.stdout.match(/^typed\.[mc]ts\(\d|error TS\d+/gm);
      expect(mistakes).toEqual(
        files.flatMap((file) => [4, 5, 6].flatMap((line) => [`${file}(${line}`, 'error TS2322'])),
      );
    },
    PREPARING_MS,
  );
});

/** Gives the project React and its types, which it would install itself. */
function useReact(): void {
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  for (const name of ['react', '@types/react', 'csstype']) {
    if (!existsSync(join(modules, name))) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

/** As Ctrl-C does: the whole group gets the signal. */
async function stop(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  process.kill(-child.pid!, 'SIGINT');
  await closed;
}

/** The commands of a section of the README. */
function commandsOf(heading: string): readonly string[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section = ''] = readme.split(new RegExp(`^## ${heading}.*$`, 'm'));
  const [, block = ''] = /```sh\n([^`]*)```/.exec(section) ?? [];
  return block.trim().split('\n');
}

/** Runs one line of a shell in the project. */
function shell(line: string): string {
  return execFileSync('sh', ['-c', line], { cwd: project, env, encoding: 'utf8' });
}

test(
  'the first lines of the README do what it says',
  async () => {
    up = spawn('npx', ['pigeonpost', 'up'], { cwd: project, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [up.stdout!, up.stderr!]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually(
      async () => (up!.exitCode === null ? printed : 'it ended: ' + printed),
      (text) => text.includes('Receivers  '),
      UP_MS,
    );
    expect(printed).toContain(join(folder, 'data', 'pigeonpost'));

    const port = await pickPort();
    const lines = commandsOf('Example').map((line) => line.replace(':9000/', `:${port}/`));
    expect(lines).toHaveLength(3);
    const account = /acc_\w+/.exec(shell(lines[0]!))![0];
    for (const line of lines.slice(1)) shell(line.replace('acc_…', account));
    const retrying = await eventually(
      async () => shell('npx pigeonpost deliveries list --state retrying'),
      (text) => text.includes('invoice.paid'),
    );
    const id = /dlv_\w+/.exec(retrying)![0];

    const receiver = createServer((_, response) => response.end()).listen(port, '127.0.0.1');
    await once(receiver, 'listening');
    shell(`npx pigeonpost deliveries retry ${id}`);
    await eventually(
      async () => shell(`npx pigeonpost deliveries show ${id}`),
      (text) => /state\s+delivered/.test(text),
    );
    receiver.close();

    await stop(up);
    expect(printed).toContain('the data stays in');
  },
  3 * UP_MS,
);
