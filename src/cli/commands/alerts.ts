/** `pigeonpost alerts`: rules that alert people, and the alerts that they have raised. */
import { Option, type Command } from 'commander';
import { unwrap, type components, type paths } from '../../client/index.js';
import { OperatorError } from '../../lib/errors.js';
import { wholeNumber } from '../arguments.js';
import { confirmDeletion } from '../confirm.js';
import { apiCommand, ExitError, openContext, type CommonOptions } from '../context.js';
import { fields, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Alert = components['schemas']['Alert'];
type Rule = components['schemas']['AlertRule'];
type Request = paths['/v1/alert-rules']['post']['requestBody']['content']['application/json'];

const CONDITIONS = [
  'subscription_failing',
  'subscription_disabled',
  'breaker_open',
  'backlog_older_than',
] satisfies Rule['condition'][];

interface AddOptions extends CommonOptions {
  readonly webhook?: string;
  readonly slack?: string;
  readonly mail?: string;
  readonly customer?: true;
  readonly name?: string;
  readonly minutes?: number;
  readonly account?: string;
  readonly repeatAfter?: number;
}

export function alertCommands(program: Command, terminal: Terminal): void {
  const alerts = program.command('alerts').description('Alerts to people');

  apiCommand(alerts, 'list', 'List alerts, the newest first')
    .option('--rule <rule>', 'only those of this rule')
    .option('--account <account>', 'only those of this account')
    .option('--open', 'only those that last')
    .action(async ({ rule: ruleId, account: accountId, open, ...options }: CommonOptions & ListOptions) => {
      const { client, print } = await openContext(terminal, options);
      const query = { ruleId, accountId, ...(open ? { open: 'true' as const } : {}) };
      const page = await unwrap(client.GET('/v1/alerts', { params: { query } }));
      print(page, () => showAlerts(page.data));
    });

  const rules = alerts.command('rules').description('What people are alerted to, and where');
  addRuleCommands(rules, terminal);
}

interface ListOptions {
  readonly rule?: string;
  readonly account?: string;
  readonly open?: boolean;
}

function addRuleCommands(rules: Command, terminal: Terminal): void {
  apiCommand(rules, 'list', 'List the rules').action(async (options: CommonOptions) => {
    const { client, print } = await openContext(terminal, options);
    const list = await unwrap(client.GET('/v1/alert-rules'));
    print(list, () => showRules(list.data));
  });

  apiCommand(rules, 'add', 'Add a rule with one target; the secret of a webhook is shown once')
    .addOption(new Option('--condition <condition>').choices(CONDITIONS).makeOptionMandatory())
    .option('--minutes <number>', 'how long the condition must hold', wholeNumber(0))
    .option('--name <name>', 'its name in messages; the condition and the target when absent')
    .option('--account <account>', 'only this account')
    .option('--repeat-after <minutes>', 'repeat an alert that lasts', wholeNumber(5))
    .option('--webhook <url>', 'send a signed POST to this URL')
    .option('--slack <url>', 'send a message to this URL of an incoming webhook')
    .option('--mail <address>', 'send a mail')
    .option('--customer', 'send a mail to the contact of the account concerned')
    .action(async ({ condition, ...options }: AddOptions & { condition: Rule['condition'] }) => {
      const { client, print } = await openContext(terminal, options);
      const { name, minutes, account: accountId, repeatAfter: repeatAfterMinutes } = options;
      const body = { name, condition, minutes, accountId, repeatAfterMinutes, target: targetOf(options) };
      const rule = await unwrap(client.POST('/v1/alert-rules', { body }));
      print(rule, () => fields(rule));
    });

  apiCommand(rules, 'test <rule>', 'Send a test message of a rule')
    .option('--to <address>', 'send the mail here instead')
    .action(async (id: string, { to, ...options }: CommonOptions & { to?: string }) => {
      const { client, print } = await openContext(terminal, options);
      const result = await unwrap(client.POST('/v1/alert-rules/{id}/test', { params: { path: { id } }, body: { to } }));
      print(result, () => (result.sent ? 'sent' : `not sent: ${result.error}`));
      if (!result.sent) throw new ExitError(1);
    });

  apiCommand(rules, 'delete <rule>', 'Delete a rule and its alerts')
    .option('--yes', 'do not ask for confirmation')
    .action(async (id: string, { yes, ...options }: CommonOptions & { yes?: boolean }) => {
      const context = await openContext(terminal, options);
      await confirmDeletion(context, `alert rule ${id} and its alerts`, yes);
      await unwrap(context.client.DELETE('/v1/alert-rules/{id}', { params: { path: { id } } }));
      context.print({ id, deleted: true }, () => `deleted ${id}`);
    });
}

function targetOf({ webhook, slack, mail, customer }: AddOptions): Request['target'] {
  const targets: Request['target'][] = [
    ...(webhook === undefined ? [] : [{ kind: 'webhook' as const, url: webhook }]),
    ...(slack === undefined ? [] : [{ kind: 'slack' as const, url: slack }]),
    ...(mail === undefined ? [] : [{ kind: 'mail' as const, to: mail }]),
    ...(customer ? [{ kind: 'customer' as const }] : []),
  ];
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new OperatorError('Give exactly one of --webhook, --slack, --mail and --customer.');
}

function showRules(rules: readonly Rule[]): string {
  return table(
    ['Rule', 'Name', 'Condition', 'Minutes', 'Account', 'Repeats after', 'Target', 'Enabled'],
    rules.map(({ id, name, condition, minutes, accountId, repeatAfterMinutes, target, enabled }) => [
      ...[id, name, condition, minutes, accountId, repeatAfterMinutes],
      ...[[target.kind, target.url ?? target.to].filter(Boolean).join(' '), enabled ? 'yes' : 'no'],
    ]),
  );
}

function showAlerts(alerts: readonly Alert[]): string {
  return table(
    ['Alert', 'Rule', 'About', 'Since', 'Until', 'Sent'],
    alerts.map(({ id, ruleName, url, accountName, subscriptionId, accountId, since, until, message }) => [
      ...[id, ruleName, url ?? accountName ?? subscriptionId ?? accountId ?? 'all accounts', when(since), when(until)],
      message?.sentAt ? when(message.sentAt) : (message?.lastError ?? 'not yet'),
    ]),
  );
}
