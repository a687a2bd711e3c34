/**
 * Histories of real runs, to verify that every later version of the workflows can replay them.
 * `RECORD_HISTORIES=1 npm test -- test/e2e/workflows test/e2e` records the scenarios again; a history of a released version is
 * added under a new name and never replaced.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';

const root = join(__dirname, '../..');
const folder = join(root, 'test/histories');

/** Saves the history of a delivery's last run under a name when histories are being recorded. */
export async function saveHistory(client: Client, name: string, deliveryId: string): Promise<void> {
  await saveWorkflowHistory(client, name, `delivery-${deliveryId}`);
}

/** Saves the history of a workflow's last run, or of the run with an id, when histories are being recorded. */
export async function saveWorkflowHistory(
  client: Client,
  name: string,
  workflowId: string,
  runId?: string,
): Promise<void> {
  if (process.env.RECORD_HISTORIES !== '1') return;
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), null, 1);
  // Stack traces contain paths, which are different on each machine.
  await writeFile(join(folder, `${name}.json`), `${text.replaceAll(`${root}/`, '')}\n`);
}

/** All saved histories by name. */
export async function savedHistories(): Promise<{ workflowId: string; history: ReturnType<typeof historyFromJSON> }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => ({
      workflowId: name.slice(0, -'.json'.length),
      history: historyFromJSON(JSON.parse(await readFile(join(folder, name), 'utf8'))),
    })),
  );
}
