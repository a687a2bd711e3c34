/**
 * Operational events in Svix's form: codegen/lib-openapi.json, EndpointDisabledEvent, MessageAttemptExhaustedEvent and the
 * others of these names.
 */
import type { OperationReport } from '../../contract/types.js';
import type { Options } from './fields.js';
import { messageId } from '../../contract/message.js';
import { attemptId } from './ids.js';

const TYPES: Readonly<Record<string, string>> = {
  'pigeonpost.subscription.created': 'endpoint.created',
  'pigeonpost.subscription.updated': 'endpoint.updated',
  'pigeonpost.subscription.deleted': 'endpoint.deleted',
  'pigeonpost.subscription.enabled': 'endpoint.enabled',
  'pigeonpost.subscription.disabled': 'endpoint.disabled',
  'pigeonpost.delivery.exhausted': 'message.attempt.exhausted',
  'pigeonpost.delivery.failing': 'message.attempt.failing',
  'pigeonpost.delivery.recovered': 'message.attempt.recovered',
};

/** An operational event of an account as Svix sends it; undefined for those that Svix does not have. */
export function reportOperation(report: OperationReport): { type: string; data: unknown } | undefined {
  const type = TYPES[report.type];
  return type === undefined ? undefined : { type, data: { type, data: dataOf(type, report) } };
}

function dataOf(type: string, { scope, uid, reference, options, facts, eventUid, at }: OperationReport): object {
  const common = {
    appId: (scope as { readonly appId: string }).appId,
    appUid: uid,
    endpointId: reference,
    endpointUid: (options as Options).uid ?? null,
  };
  if (type === 'endpoint.disabled')
    return { ...common, failSince: null, trigger: facts.reason == null ? 'manual' : 'automatic' };
  if (!type.startsWith('message.')) return common;
  const { eventId, deliveryId, attempts, lastStatus } = facts as {
    readonly eventId: string;
    readonly deliveryId: string;
    readonly attempts: number;
    readonly lastStatus: number | null;
  };
  return {
    ...common,
    msgId: messageId(eventId),
    msgEventId: eventUid,
    lastAttempt: {
      id: attemptId({ deliveryId, number: attempts }),
      responseStatusCode: lastStatus ?? 0,
      timestamp: at,
    },
  };
}
