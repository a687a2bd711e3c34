/** Statistics of applications: codegen/lib-openapi.json, AppUsageStatsIn and the descriptions of the calls. */
import type { Response, Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import { findApplication, listApplications } from '../../../store/accounts/applications.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { countDeliveries, subscribedTypes } from '../../../store/reports/usage.js';
import { appIdOf } from './applications.js';
import { validationError } from './errors.js';
import { environmentOf, respondOnce, type Api } from './request.js';
import { startTask, taskOut } from './tasks.js';

const time = z.iso.datetime({ offset: true });
const name = z.string().regex(/^[a-zA-Z0-9\-_.]{1,256}$/);
const usageIn = z.object({
  since: time,
  until: time,
  appIds: z.array(name).min(1).max(1_000).nullish(),
  appUids: z.array(name).min(1).max(1_000).nullish(),
});

/** Applications of one request. */
const MAX_APPLICATIONS = 10_000;

/** The tasks are finished with the response: what they find is stored with them. */
export function statisticsRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;

  router.post('/api/v1/stats/usage/app', (request, response) =>
    respondOnce(api, request, response, async () => {
      const { since, until, appIds, appUids } = check(usageIn, request.body);
      const range = { since: new Date(since), until: new Date(until) };
      if (range.since >= range.until) throw validationError(['body', 'since'], 'must be before `until`');
      const names = [...(appIds ?? []), ...(appUids ?? [])];
      const { found, unresolved } = await resolve(api, response, names);
      const counts = await countDeliveries(
        store,
        found.map(({ id }) => id),
        range,
      );
      const appStats = found.map((account) => ({
        messageDestinations: counts.get(account.id) ?? 0,
        appId: appIdOf(account),
        appUid: account.uid ?? null,
      }));
      const task = await startTask(api, environmentOf(response), 'application.stats', {
        status: 'finished',
        data: { appStats },
      });
      const unresolvedAppUids = unresolved.filter((each) => appUids?.includes(each));
      return { status: 202, body: { ...taskOut(task), unresolvedAppIds: unresolved, unresolvedAppUids } };
    }),
  );

  router.put('/api/v1/stats/usage/event-types', async (_request, response) => {
    const { found } = await resolve(api, response, []);
    const subscribed = await subscribedTypes(
      store,
      found.map(({ id }) => id),
    );
    const appIds = new Map(found.map((account) => [account.id, appIdOf(account)]));
    const eventTypes = subscribed.map(({ accountId, types, all }) => ({
      appId: appIds.get(accountId),
      explicitlySubscribedEventTypes: types,
      hasCatchAllEndpoint: all,
    }));
    const task = await startTask(api, environmentOf(response), 'event-type.aggregate', {
      status: 'finished',
      data: { event_types: eventTypes },
    });
    response.status(202).json(taskOut(task));
  });
}

/** The named applications, or all when none is named. */
async function resolve({ registrar: { store } }: Api, response: Response, names: readonly string[]) {
  const environment = environmentOf(response);
  if (names.length === 0)
    return {
      found: await listApplications(store, environment.id, { ascending: true, limit: MAX_APPLICATIONS }),
      unresolved: [],
    };
  const found: StoredAccount[] = [];
  const unresolved: string[] = [];
  for (const each of new Set(names)) {
    const account = each === appIdOf(environment) ? environment : await findApplication(store, environment.id, each);
    if (account) found.push(account);
    else unresolved.push(each);
  }
  return { found, unresolved };
}
