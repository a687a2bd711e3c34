// node scripts/tool.mjs <bench|capacity|chaos|cluster|demo|disasters|upgrade> [options]: runs a development tool, installing and building first where needed.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
ensureBuilt();
// The compiler itself knows which of its last output is up to date.
const compiler = inProject('node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', inProject('tools', 'tsconfig.build.json')], {
  stdio: ['ignore', 2, 2],
});
if (status !== 0) process.exit(status ?? 1);
const [tool] = process.argv.splice(2, 1);
// Benchmarks of their own, apart from the table of `bench`.
const isOwn = tool === 'bench' && ['storage', 'lists', 'scale'].includes(process.argv[2]);
const program = isOwn ? [tool, ...process.argv.splice(2, 1)] : [tool];
const main = inProject('tools', 'out', ...program, 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
