import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hashOf, inProject, readIfThere, say } from './project.mjs';

/** Holds what the build was made from. */
export const stamp = inProject('dist', '.built-from');

/** A hash over everything the build is made from. */
export function builtFrom() {
  return hashOf(
    ['src', 'dashboard', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json', 'scripts/build.mjs'].map((path) =>
      inProject(path),
    ),
  );
}

/** Builds unless the build is of these very sources. */
export function ensureBuilt() {
  if (!existsSync(inProject('src')) || readIfThere(stamp) === builtFrom()) return;
  say('Building…');
  // In a process of its own, as the bundler needs much memory.
  const { status } = spawnSync(process.execPath, [inProject('scripts', 'build.mjs')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
