/** Workflow code is forever: every kept history must replay on the code of today. */
import { Worker } from '@temporalio/worker';
import { savedHistories } from '../../support/histories.js';
import { fromSetup } from '../../support/system.js';

test('every kept history replays', async () => {
  const histories = await savedHistories();
  expect(histories.length).toBeGreaterThanOrEqual(10);
  const workflowBundle = { codePath: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE') };
  const results: Record<string, string> = {};
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories)) {
    results[workflowId] = error === undefined ? 'replayed' : error.message;
  }
  expect(results).toEqual(Object.fromEntries(histories.map(({ workflowId }) => [workflowId, 'replayed'])));
});
