import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { fail, hashOf, inProject, readIfThere, say } from './project.mjs';

const lockfile = inProject('package-lock.json');
const stamp = inProject('node_modules', '.pigeonpost-installed');
/** npm writes it at the end of every install. */
const npmsOwnStamp = inProject('node_modules', '.package-lock.json');

/** npm may write its own file a moment before the lockfile. */
const TOLERANCE_MS = 5_000;

/** Installs the dependencies unless those of this lockfile are there. */
export function ensureInstalled() {
  const wanted = hashOf([lockfile]);
  if (readIfThere(stamp) === wanted) return;
  if (!installedByHand()) {
    say('Installing dependencies…');
    // Whatever NODE_ENV says: the build needs the compiler, and PostgreSQL comes as an optional dependency.
    const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
    const status = npm(['ci', ...options]);
    if (status !== 0) fail(`npm ci failed (${status}); what it printed above says why.`);
  }
  writeFileSync(stamp, wanted);
}

function installedByHand() {
  const installed = statSync(npmsOwnStamp, { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs + TOLERANCE_MS >= statSync(lockfile).mtimeMs;
}

function npm(args) {
  const { npm_execpath: running } = process.env;
  const options = { cwd: inProject(), stdio: ['ignore', 2, 2] };
  const { status, error } = running?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [running, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  return error?.code ?? status ?? 'stopped';
}
