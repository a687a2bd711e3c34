/** The Dockerfile, as far as it can be checked where no container engine runs. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { orSkip } from '../../support/installed.js';
import { hadolint, PREPARING_MS } from './tools.js';

const root = resolve(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const dockerfile = read('Dockerfile');

describe('the Dockerfile', () => {
  const instructions = (name: string) =>
    [...dockerfile.matchAll(new RegExp(`^${name} ((?:.*\\\\\\n)*.*)$`, 'gm'))].map(([, text]) => text!);

  test('builds on one image, which a build argument pins', () => {
    expect(instructions('ARG')).toEqual([expect.stringMatching(/^NODE_IMAGE=node:\d+\.\d+\.\d+-bookworm-slim$/)]);
    expect(instructions('FROM')).toEqual(['${NODE_IMAGE} AS base', 'base AS build', 'base AS dependencies', 'base']);
  });

  test('copies what there is, and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    const copied = instructions('COPY').flatMap((text) =>
      text.startsWith('--from') ? [] : text.split(' ').slice(0, -1),
    );
    expect([...new Set(copied)].sort()).toEqual(allowed.sort());
    for (const path of copied) expect(existsSync(join(root, path))).toBe(true);
  });

  test('runs as a user without rights, whom Kubernetes can tell from root', () => {
    expect(instructions('USER')).toEqual(['1000:1000']);
  });

  test('has enough threads for names', () => {
    expect(dockerfile).toContain('UV_THREADPOOL_SIZE=64');
  });

  test('can install from the lockfile, which lists every optional package of every system', () => {
    // `npm ci` refuses a lockfile that lacks one.
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });

  test('starts an init, so that every command ends by a signal', () => {
    expect(JSON.parse(instructions('ENTRYPOINT')[0]!)).toEqual(['tini', '--', 'node', '/app/dist/cli/main.js']);
  });

  orSkip(test, hadolint.name, hadolint.advice)(
    'is accepted by hadolint',
    () => {
      const { status, stdout } = spawnSync(hadolint.prepare(), ['--no-color', 'Dockerfile'], {
        cwd: root,
        encoding: 'utf8',
      });
      expect([status, stdout]).toEqual([0, '']);
    },
    PREPARING_MS,
  );
});

describe('the health check', () => {
  async function statusWith(status: number, setting: string): Promise<number | null> {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/readyz' ? status : 404;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    // Another process, so that this one can respond.
    const child = spawn(process.execPath, [join(root, 'deploy/pigeonpost/healthcheck.mjs')], {
      env: { PATH: process.env.PATH, PIGEONPOST_PORT: '1', [setting]: String(port) },
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    server.close();
    return code;
  }

  test.each(['PIGEONPOST_PORT', 'PIGEONPOST_METRICS_PORT'])('is that of the process on %s', async (setting) => {
    expect(await statusWith(200, setting)).toBe(0);
    expect(await statusWith(503, setting)).toBe(1);
  });
});
