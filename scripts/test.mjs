// node scripts/test.mjs [unit|integration|e2e|browser] [arguments for jest]: runs the tests, or one tier of them,
// installing first where needed.
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
process.chdir(inProject());
const tiers = ['unit', 'integration', 'e2e', 'browser'];
// At the end, as Jest takes everything after it for names of projects.
if (tiers.includes(process.argv[2])) process.argv.push('--selectProjects', ...process.argv.splice(2, 1));
const jest = inProject('node_modules', 'jest', 'bin', 'jest.js');
process.argv[1] = jest;
await import(pathToFileURL(jest).href);
