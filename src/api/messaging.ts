/** The operations of providers' APIs by which senders emit events and send them again. */
import { setTimeout as wait } from 'node:timers/promises';
import { newId } from '../contract/ids.js';
import { eraseEvent } from '../dispatch/commands/erase.js';
import { resend } from '../dispatch/commands/resend.js';
import { IdempotentReplay } from '../dispatch/commit.js';
import { fanOut } from '../dispatch/fan-out.js';
import { loadReceiver } from '../dispatch/recovery/find-recoverable.js';
import {
  findRecovery,
  lastRecovery,
  newRecoveryId,
  startRecovery,
  type FoundRecovery,
} from '../dispatch/recovery/recoveries.js';
import { check } from '../http/check.js';
import { notFound, Problem } from '../http/problem.js';
import type { Emitted, EmittedInput, EmitOnce, Messaging, NewApplication } from '../providers/messaging.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import { countBelow, isApplicationUidTaken } from '../store/accounts/applications.js';
import type { TaskStatus } from '../store/background-tasks.js';
import { acceptEvents } from './accept-events.js';
import { createAccount } from './accounts/create.js';
import type { ApiContext } from './context.js';
import { openApiDocument, readWebhooks } from './event-types/openapi-webhooks.js';
import { recoveryInput } from './subscriptions/recoveries.js';

/** Maximum number of accounts below another one. */
const MAX_BELOW = 10_000;
/** Maximum number of webhooks of a document. */
const MAX_WEBHOOKS = 500;
/** Deliveries and events per second of a recovery. */
const RECOVERED_PER_SECOND = 100;
/** How long a recovery waits for the one before it, and how often it looks, in milliseconds. */
const MAX_WAIT_MS = 10_000;
const LOOK_MS = 200;

export function createMessaging(context: ApiContext): Messaging {
  const { store, client } = context;
  return {
    store,
    emit: (account, event, once) => emit(context, account, event, once),
    resend: (account, subscription, eventId) => resend(context, { account, subscription }, eventId),

    async recover(subscription, { from, to, states, types, channel, tag }) {
      const receiver = await loadReceiver(store, subscription.id);
      if (!receiver) throw notFound('subscription');
      const scope = {
        subscriptionId: subscription.id,
        accountId: receiver.account.id,
        from: from.getTime(),
        to: to.getTime(),
        states,
        types,
        ...(channel === undefined ? {} : { channel }),
        ...(tag === undefined ? {} : { tag }),
      };
      const recoveryId = newRecoveryId(subscription.id);
      for (const giveUpAt = Date.now() + MAX_WAIT_MS; ;) {
        if (await startRecovery(client, receiver, recoveryInput(recoveryId, scope, RECOVERED_PER_SECOND)))
          return recoveryId;
        const running = await lastRecovery(client, subscription.id);
        if (running?.state === 'running' && Date.now() >= giveUpAt)
          throw new Problem('conflict', `recovery ${running.recovery.recoveryId} is already running`);
        await wait(LOOK_MS);
      }
    },

    async recoveryStatus(recoveryId) {
      const found = await findRecovery(client, recoveryId);
      return found && { status: statusOf(found), sent: found.progress.recovered };
    },

    async erase(account, eventId, erasedBy) {
      const reason = 'requested through the API of the provider';
      await eraseEvent(context, { accountId: account.id, eventId, reason, erasedBy, address: null });
    },

    createApplication: (parent, application) => createApplication(context, parent, application),

    readWebhooks(document) {
      const webhooks = readWebhooks(check(openApiDocument, document, 'spec'), { wholeBody: true });
      if (webhooks.length <= MAX_WEBHOOKS) return webhooks;
      throw new Problem('invalid_request', `spec: must not have more than ${MAX_WEBHOOKS} webhooks; import in parts`);
    },
  };
}

async function emit(
  context: ApiContext,
  { id }: StoredAccount,
  event: EmittedInput,
  once: EmitOnce | undefined,
): Promise<Emitted> {
  const occurredAt = new Date();
  const { details } = event;
  try {
    return await acceptEvents(
      context,
      id,
      ({ account, subscriptions }, size) => {
        const input = { ...event, occurredAt, ...(details.verbatim ? { verbatim: true } : {}) };
        const planned = fanOut(account, subscriptions, input, size);
        return { events: [planned], reply: { eventId: planned.row.event.id, occurredAt } };
      },
      once,
    );
  } catch (error) {
    if (!(error instanceof IdempotentReplay) || !once) throw error;
    if (!error.first.fingerprint.equals(once.fingerprint))
      throw new Problem('conflict', 'another request has used this key');
    const { eventId, occurredAt } = error.first.response as { eventId: string; occurredAt: string };
    return { eventId, occurredAt: new Date(occurredAt) };
  }
}

function statusOf({ state }: FoundRecovery): TaskStatus {
  if (state === 'running') return 'running';
  return state === 'completed' ? 'finished' : 'failed';
}

async function createApplication(
  { store }: ApiContext,
  parent: StoredAccount,
  { name, uid, metadata, settings, reportsParent }: NewApplication,
): Promise<StoredAccount> {
  const { provider, environment, validatePayloads } = parent;
  const body = {
    provider,
    name,
    environment,
    validatePayloads,
    ...(metadata && { metadata: { ...metadata } }),
    ...(settings === undefined ? {} : { settings: settings as Record<string, unknown> }),
  };
  try {
    const { account } = await createAccount(store, body, {
      withKey: false,
      below: {
        parentId: parent.id,
        ...(uid === undefined ? {} : { uid }),
        ...(reportsParent ? { reportsParent } : {}),
        // The only id of a scope that has one; otherwise our own.
        reference: (scope) => String(Object.values(scope as object)[0] ?? newId('acc')),
      },
      onCreated: async (transaction) => {
        if ((await countBelow(transaction, parent.id)) <= MAX_BELOW) return;
        throw new Problem('quota_exceeded', `an account may have ${MAX_BELOW} applications; delete some`);
      },
    });
    return account;
  } catch (error) {
    throw isApplicationUidTaken(error) ? new Problem('conflict', 'another application has this uid') : error;
  }
}
