/** Tables as they are after a long time: full of finished deliveries. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The script, from where this file is compiled to. */
const SCRIPT = join(__dirname, '..', '..', '..', '..', 'fill.mjs');

/** Writes so many finished deliveries, each with its event, body and attempt, as if they had been there for long. */
export async function fill(databaseUrl: string, deliveries: number): Promise<void> {
  await promisify(execFile)(process.execPath, [SCRIPT, databaseUrl, String(deliveries)]);
}
