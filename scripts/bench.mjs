// node scripts/bench.mjs [options]: measures Pigeonpost as it was built, installing and building first where needed.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
ensureBuilt();
// The compiler itself knows what of its last output still holds.
const compiler = inProject('node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', inProject('bench')], { stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(status ?? 1);
// `storage` measures what statements cost instead of putting loads on.
const [program] = process.argv[2] === 'storage' ? process.argv.splice(2, 1) : ['.'];
const main = inProject('bench', 'out', 'program', 'bench', program, 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
