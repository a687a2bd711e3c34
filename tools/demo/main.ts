/** `npm run demo` */
import '#src/server/threads.js';
import '#src/server/memory.js';
import { runTool } from '../run-tool.js';
import { demo } from './demo.js';

console.error('Starting the demo…');
runTool(demo);
