/** What reads Compose files on this machine: Docker Compose, or else the library inside it, built with Go. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../../..');

/** How long building may take, in milliseconds. */
export const PREPARING_MS = 600_000;

interface ComposeReader {
  readonly name: string;
  prepare(): void;
  /** What is wrong with files of this project, read together with these variables; empty when nothing is. */
  problem(files: readonly string[], env: NodeJS.ProcessEnv): string;
  close(): void;
}

/** Runs a command with these variables and no others of `.env` or the environment; its complaint, or an empty text. */
function complaint(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const home = process.env.HOME ?? root;
  const config = {
    PATH: process.env.PATH,
    HOME: home,
    DOCKER_CONFIG: process.env.DOCKER_CONFIG ?? join(home, '.docker'),
  };
  const { status, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...config, ...env },
  });
  return status === 0 ? stderr : stderr || (error?.message ?? `ended with ${status}`);
}

const docker: ComposeReader = {
  name: 'docker compose',
  prepare: () => undefined,
  close: () => undefined,
  problem: (files, env) =>
    complaint(
      'docker',
      ['compose', '--env-file', '/dev/null', ...files.flatMap((file) => ['-f', file]), 'config', '--quiet'],
      env,
    ),
};

function builtWithGo(): ComposeReader {
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-compose-'));
  const program = join(folder, 'compose');
  return {
    name: 'go',
    prepare() {
      const { status, stderr } = spawnSync('go', ['build', '-o', program, '.'], {
        cwd: join(root, '.ci/compose'),
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`go build: ${stderr}`);
    },
    problem: (files, env) => complaint(program, files, env),
    close: () => rmSync(folder, { recursive: true }),
  };
}

function findReader(): ComposeReader | undefined {
  if (complaint('docker', ['compose', 'version'], {}) === '') return docker;
  return spawnSync('go', ['version']).status === 0 ? builtWithGo() : undefined;
}

export const composeReader = {
  reader: findReader(),
  advice: 'neither Docker Compose nor Go, which its library is built with, was found',
};
