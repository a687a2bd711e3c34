// node scripts/test.mjs [arguments for jest]: runs the tests, installing first where needed.
import { pathToFileURL } from 'node:url';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
process.chdir(inProject());
const jest = inProject('node_modules', 'jest', 'bin', 'jest.js');
process.argv[1] = jest;
await import(pathToFileURL(jest).href);
