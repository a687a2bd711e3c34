// node scripts/run.mjs <command> [arguments]: runs a command of Pigeonpost from a clone, installing and building first
// where needed.
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
ensureBuilt();
// In this very process, so that signals reach it and its exit code is this one's.
const main = inProject('dist', 'cli', 'main.js');
process.argv[1] = main;
await import(pathToFileURL(main).href);
