/** Paths of the project and of the bench's results. */
import { join } from 'node:path';

/** The compiled code is in tools/out/bench/system. */
const root = join(__dirname, '../../../..');

/** A path in the project. */
export const project = (...names: string[]): string => join(root, ...names);

/** A path among what the bench writes. */
export const output = (...names: string[]): string => project('tools', 'bench', 'results', ...names);
