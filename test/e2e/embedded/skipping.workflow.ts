import { sleep } from '@temporalio/workflow';

/** Takes a day, by the clock of the server. */
export async function oneDay(): Promise<string> {
  await sleep('1 day');
  return 'done';
}
