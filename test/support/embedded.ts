import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir, type DataDir } from '../../src/embedded/data-dir.js';
import { type Log } from '../../src/embedded/log.js';
import { waitUntil, type Condition } from '../../src/embedded/poll.js';

type Undo = () => Promise<unknown>;

/** Runs registered functions after each test, the last one first. */
export function undoAfterEach(): (undo: Undo) => void {
  const undos: Undo[] = [];
  afterEach(async () => {
    for (const undo of undos.splice(0).reverse()) await undo();
  });
  return (undo) => undos.push(undo);
}

/** A temporary folder that is removed after the test. */
export async function temporaryFolder(undo: (undo: Undo) => void): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'pigeonpost-embedded-'));
  undo(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A data folder that is removed after the test. */
export async function temporaryDataDir(undo: (undo: Undo) => void): Promise<DataDir> {
  return openDataDir(join(await temporaryFolder(undo), 'data'));
}

/** A log whose lines can be read. */
export function memoryLog(): Log & { lines: string[] } {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  return { lines, info: add, warn: add };
}

/** Waits until a condition holds, and fails after 20 seconds. */
export async function until(condition: Condition): Promise<void> {
  if (!(await waitUntil(condition, 20_000, 20))) throw new Error('It did not become true in 20 s');
}
