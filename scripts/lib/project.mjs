import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Path of something in it. */
export const inProject = (...names) => join(root, ...names);

/** Says what takes a while; not on the standard output, which belongs to the command that is run. */
export const say = (line) => console.error(line);

/** Ends with one line that says what is wrong. */
export function fail(line) {
  console.error(line);
  process.exit(1);
}

/** The text of a file; undefined when there is none. */
export function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A hash over the names and contents of files and of all files in folders. */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesIn)) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return [];
  if (!found.isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

/** The oldest Node.js with which everything still works; package.json has the oldest that is supported. */
const OLDEST = [20, 19];

/** Ends when this Node.js is too old; says once, in one line, when a newer one is recommended. */
export function checkNode() {
  const { engines } = JSON.parse(readFileSync(inProject('package.json'), 'utf8'));
  const supported = Number(/\d+/.exec(engines.node));
  const { node } = process.versions;
  const [major, minor] = node.split('.').map(Number);
  if (major >= supported) return;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    fail(`Pigeonpost needs Node.js ${supported} or newer; this is ${node}.`);
  // A build is a process of its own, which need not repeat it.
  if (process.env.NODE_VERSION_WARNED === undefined)
    console.error(`Node.js ${major} is past its end of life; Node.js 22 or 24 is recommended.`);
  process.env.NODE_VERSION_WARNED = '1';
}
