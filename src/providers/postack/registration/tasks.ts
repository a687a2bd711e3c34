/** Background tasks: codegen/lib-openapi.json, BackgroundTaskOut. */
import type { Router } from 'express';
import { newId } from '../../../contract/ids.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { endTask, findTask, insertTask, listTasks, type BackgroundTask } from '../../../store/background-tasks.js';
import { hasExpiredContents } from '../../../store/erasures.js';
import { notFound } from './errors.js';
import { badQuery, fromSvixId, readPageQuery, readText, toPage, toSvixId } from './paging.js';
import { environmentOf, type Api } from './request.js';

/** The tasks that this API starts. */
export type TaskName =
  | 'endpoint.recover'
  | 'endpoint.replay'
  | 'endpoint.bulk-replay'
  | 'application.stats'
  | 'application.purge_content'
  | 'event-type.aggregate';

/** Stores a task that was started, or one that is finished already. */
export function startTask(
  { registrar: { store } }: Api,
  environment: StoredAccount,
  task: TaskName,
  { recoveryId = null, status = 'running', data = {} }: Partial<Pick<BackgroundTask, 'recoveryId' | 'status' | 'data'>>,
): Promise<BackgroundTask> {
  return insertTask(store.pool, environment.id, { id: newId('tsk'), task, recoveryId, status, data });
}

/** What a call that starts a task responds with. */
export function taskOut({ id, status, task, updatedAt }: BackgroundTask) {
  return { id: toSvixId('qtask_', id), status, task, updatedAt };
}

export function taskRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;
  const path = '/api/v1/background-task';

  router.get(path, async (request, response) => {
    const { query } = request;
    const pageQuery = readPageQuery(query, /^qtask_[0-9a-z]{26}$/);
    const { iterator, ascending, limit } = pageQuery;
    const task = readText(query, 'task', /^[a-z._-]{1,64}$/);
    const { status } = query;
    if (status !== undefined && !['running', 'finished', 'failed'].includes(status as string))
      throw badQuery('status: expected `running`, `finished` or `failed`');
    const tasks = await listTasks(store, environmentOf(response).id, {
      ...(task === undefined ? {} : { task }),
      ...(iterator === undefined ? {} : { from: fromSvixId('qtask_', 'tsk', iterator) ?? '' }),
      ascending,
      limit: limit + 1,
    });
    const { page, ends } = toPage(tasks, pageQuery, ({ id }) => toSvixId('qtask_', id));
    const shown = await Promise.all(page.map((each) => show(api, each)));
    // Filtered here, as a status may only become known by asking for it; a page may have fewer entries than its limit.
    response.json({ data: shown.filter((each) => status === undefined || each.status === status), ...ends });
  });

  router.get(`${path}/:task_id`, async (request, response) => {
    const id = fromSvixId('qtask_', 'tsk', request.params.task_id);
    const task = id && (await findTask(store, environmentOf(response).id, id));
    if (!task) throw notFound();
    response.json(await show(api, task));
  });
}

/** A task as it is now; its end is stored when it is first seen. */
async function show({ registrar }: Api, stored: BackgroundTask) {
  const { store } = registrar;
  let task = stored;
  let data = stored.data;
  if (stored.recoveryId !== null) {
    const found = await registrar.recoveryStatus(stored.recoveryId);
    // Temporal keeps closed workflows for days, so one that it no longer knows has ended.
    const status = found?.status ?? (stored.status === 'running' ? 'finished' : stored.status);
    if (status !== stored.status) task = (await endTask(store, stored.id, status)) ?? stored;
    data = found && status !== 'running' ? { messagesSent: found.sent } : {};
  } else if (stored.task === 'application.purge_content') {
    data = {};
    const isDone = !(await hasExpiredContents(store, String(stored.data.accountId)));
    if (stored.status === 'running' && isDone) task = (await endTask(store, stored.id, 'finished')) ?? stored;
  }
  return { data, ...taskOut(task) };
}
