/** Sending again what an endpoint has missed: svix-server, src/v1/endpoints/endpoint/recovery.rs, lib-openapi.json. */
import type { Request, Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import type { RecoverableState } from '../../../workflows/recovery-types.js';
import type { RecoveryRequest } from '../../messaging.js';
import { STATUSES } from './attempt-output.js';
import { validationError } from './errors.js';
import { channels, eventType } from './message-input.js';
import { TAG } from './paging.js';
import { endpointOf, environmentOf, respondOnce, type Api } from './request.js';
import { startTask, taskOut, type TaskName } from './tasks.js';

const time = z.iso.datetime({ offset: true });
const range = z.object({ since: time, until: time.nullish() });

const bulkReplayIn = range.extend({
  eventTypes: z.array(eventType).max(50).nullish(),
  channel: channels.element.nullish(),
  tag: z.string().regex(TAG).nullish(),
  status: z.literal(STATUSES).nullish(),
  statusCodeClass: z.null().optional(),
});

/** By MessageStatus: which deliveries a bulk replay with this status sends again. */
const BY_STATUS: Readonly<Record<(typeof STATUSES)[number], readonly RecoverableState[]>> = {
  0: ['delivered'],
  1: [],
  2: ['failed'],
  3: ['retrying'],
  4: ['cancelled'],
};
const ALL: readonly RecoverableState[] = ['delivered', 'failed', 'retrying', 'cancelled'];

export function recoveryRoutes(router: Router, api: Api, path: string): void {
  const item = `${path}/:endpoint_id`;
  const start = (name: string, task: TaskName, read: (body: unknown) => RecoveryRequest) =>
    router.post(`${item}/${name}`, (request: Request, response) =>
      respondOnce(api, request, response, async () => {
        const endpoint = await endpointOf(api, request, response);
        const wanted = read(request.body);
        const environment = environmentOf(response);
        if (wanted.states.length === 0) {
          const done = { status: 'finished', data: { messagesSent: 0 } } as const;
          return { status: 202, body: taskOut(await startTask(api, environment, task, done)) };
        }
        const recoveryId = await api.registrar.recover(endpoint, wanted);
        return { status: 202, body: taskOut(await startTask(api, environment, task, { recoveryId })) };
      }),
    );

  // Those under retry are attempted now: to who asks for it, they have failed as well.
  start('recover', 'endpoint.recover', (body) => readRange(check(range, body), ['failed', 'retrying']));
  start('replay-missing', 'endpoint.replay', (body) => readRange(check(range, body), ['missing']));
  start('bulk-replay', 'endpoint.bulk-replay', (body) => {
    const { eventTypes, channel, tag, status, ...given } = check(bulkReplayIn, body);
    return {
      ...readRange(given, status == null ? ALL : BY_STATUS[status]),
      types: eventTypes ?? [],
      ...(channel == null ? {} : { channel }),
      ...(tag == null ? {} : { tag }),
    };
  });
}

function readRange({ since, until }: z.output<typeof range>, states: readonly RecoverableState[]): RecoveryRequest {
  const now = new Date();
  const from = new Date(since);
  const to = until == null || new Date(until) > now ? now : new Date(until);
  if (from >= to) throw validationError(['body', 'since'], 'must be in the past and before `until`');
  return { from, to, states, types: [] };
}
