/** `npm run cluster` */
import { runTool } from '../run-tool.js';
import { cluster } from './cluster.js';

console.error('Starting the cluster…');
runTool(cluster);
