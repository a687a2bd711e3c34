/**
 * Histories of real runs, kept so that every later version of the workflows can be shown to replay them.
 * `RECORD_HISTORIES=1 npm test -- test/e2e/workflows test/e2e` records the scenarios anew; a history that a released version
 * wrote is added under a new name and never replaced.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';

const root = join(__dirname, '../..');
const folder = join(root, 'test/histories');

/** Keeps the history of a delivery's last run under a name, when histories are being recorded. */
export async function keepHistory(client: Client, name: string, deliveryId: string): Promise<void> {
  await keepWorkflowHistory(client, name, `delivery-${deliveryId}`);
}

/** Keeps the history of a workflow's last run, or of the run with an id, when histories are being recorded. */
export async function keepWorkflowHistory(
  client: Client,
  name: string,
  workflowId: string,
  runId?: string,
): Promise<void> {
  if (process.env.RECORD_HISTORIES !== '1') return;
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), null, 1);
  // Stack traces name files: where the project lies on somebody's machine is nobody's business.
  await writeFile(join(folder, `${name}.json`), `${text.replaceAll(`${root}/`, '')}\n`);
}

/** All kept histories by name. */
export async function keptHistories(): Promise<{ workflowId: string; history: ReturnType<typeof historyFromJSON> }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  return Promise.all(
    names.map(async (name) => ({
      workflowId: name.slice(0, -'.json'.length),
      history: historyFromJSON(JSON.parse(await readFile(join(folder, name), 'utf8'))),
    })),
  );
}
