/** `pigeonpost schedule`: when the attempts of a delivery are made. Needs no server. */
import type { Command } from 'commander';
import { randomBytes } from 'node:crypto';
import { deliveryPolicySchema, type DeliveryPolicy } from '../../contract/delivery-policy.js';
import { deliveryRules } from '../../contract/delivery-rules.js';
import type { AnyContract } from '../../contract/types.js';
import { OperatorError } from '../../lib/errors.js';
import { jsonObjectOption } from '../arguments.js';
import { printers, withJson } from '../context.js';
import { span, table } from '../output.js';
import type { Terminal } from '../terminal.js';

interface ScheduleOptions {
  readonly settings?: Record<string, unknown>;
  readonly policy?: Record<string, unknown>;
  readonly json?: boolean;
}

export function scheduleCommands(program: Command, terminal: Terminal): void {
  const schedule = program.command('schedule').description('When the attempts of a delivery are made');
  withJson(schedule.command('show <provider> <event>'))
    .description("Show the waits of a contract's schedule for an event type")
    .option('--settings <json>', "an account's settings, where the schedule depends on them", jsonObjectOption)
    .option('--policy <json>', 'a delivery policy, for contracts that allow one', jsonObjectOption)
    .action(async (provider: string, event: string, options: ScheduleOptions) => {
      const { contracts, findContract } = await import('../../providers/registry.js');
      const contract = findContract(provider);
      if (!contract) {
        const known = contracts.map((known) => known.provider).join(', ');
        throw new OperatorError(`There is no provider ${provider}.`, `Write one of ${known}.`);
      }
      const shown = describe(contract, event, options.settings ?? {}, readPolicy(contract, options.policy));
      printers(terminal, options).print(shown, () => text(shown));
    });
}

function readPolicy(contract: AnyContract, given: Record<string, unknown> | undefined): DeliveryPolicy | null {
  if (given === undefined) return null;
  if (!contract.hasDeliveryPolicy) throw new OperatorError(`--policy: ${contract.title} has its own schedule.`);
  const policy = deliveryPolicySchema.safeParse(given);
  if (policy.success) return policy.data;
  const { path, message } = policy.error.issues[0]!;
  throw new OperatorError(`--policy: ${[...path, message].join(' ')}.`);
}

function describe(
  contract: AnyContract,
  event: string,
  given: Record<string, unknown>,
  subscriptionPolicy: DeliveryPolicy | null,
) {
  const definition = contract.findEvent(event);
  if (!definition) {
    const known = contract.events.map(({ type }) => type).join(', ');
    throw new OperatorError(`${contract.title} has no event ${event}.`, `It has ${known}.`);
  }
  const settings = contract.accounts.settings.safeParse(given);
  if (!settings.success) throw new OperatorError(`--settings: ${settings.error.issues[0]?.message}.`);
  const scope = contract.accounts.newScope(randomBytes);
  const account = { id: '', name: '', scope, settings: settings.data, secrets: {} };
  let sinceFirstMs = 0;
  // A delivery's id decides its jitter, so no jitter is shown.
  const policy = subscriptionPolicy && { ...subscriptionPolicy, jitter: 0 };
  const rules = deliveryRules(contract, '', { account, eventType: definition.type, subscriptionPolicy: policy });
  const { schedule: waits, timeLimitMs } = rules;
  return {
    provider: contract.provider,
    event: definition.type,
    timeLimitMs,
    attempts: [0, ...waits].map((waitMs, index) => ({
      attempt: index + 1,
      waitMs,
      sinceFirstMs: (sinceFirstMs += waitMs),
    })),
  };
}

function text({ attempts, timeLimitMs }: ReturnType<typeof describe>): string {
  const rows = attempts.map(({ attempt, waitMs, sinceFirstMs }) => [
    ...[attempt, attempt === 1 ? null : span(waitMs)],
    attempt === 1 ? null : span(sinceFirstMs),
  ]);
  return (
    `${table(['Attempt', 'Waits', 'After the first'], rows)}\n\n` +
    `A receiver has ${span(timeLimitMs)} to respond; the duration of attempts comes on top of the waits.`
  );
}
