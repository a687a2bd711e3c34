/** Import this before anything else: an older Node.js cannot load what follows, and would not say why. */
import { readPackage } from '../lib/package.js';

/** The oldest with which everything works; the oldest that is supported is in package.json. */
const OLDEST = [20, 19] as const;

/** What to say about this version of Node.js; undefined when it can be used. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `Pigeonpost needs Node.js ${readPackage().engines.node}; this is ${version}.`;
}

const problem = tooOld(process.versions.node);
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}
