import './global-resolve';
import { rm } from 'node:fs/promises';
import { takeState } from './global-state.js';

/** Runs once after all tests. */
export default async function globalTeardown(): Promise<void> {
  const state = takeState();
  if (!state) return;
  await state.postgres.stop();
  await rm(state.dataDir.path, { recursive: true, force: true });
}
