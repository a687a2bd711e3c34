/** Alert rules: what people are alerted to, and where. */
import { z } from 'zod';
import { alertConditions, type AlertCondition, type AlertRule, type AlertTarget } from '../../contract/alerts.js';
import { verificationKey } from '../../contract/signing-keys.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { findAccount } from '../../store/accounts/accounts.js';
import {
  deleteRule,
  editRule,
  findRule,
  insertRule,
  listRules,
  MAX_RULES,
  type AlertRuleChoices,
} from '../../store/alerts/rules.js';
import type { ApiContext } from '../context.js';
import { line, time } from '../schemas.js';
import { checkTarget, showTarget, targetInput, targetSchema } from './target.js';

const tag = 'Alerts';
const params = z.object({ id: z.string() });
const MAX_NAME = 100;
/** Two weeks. */
const MAX_MINUTES = 20_160;

const ruleSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    condition: z.enum(alertConditions),
    minutes: z.int(),
    accountId: z.string().nullable(),
    repeatAfterMinutes: z.int().nullable(),
    target: targetSchema,
    enabled: z.boolean(),
    createdAt: time,
  })
  .openapi('AlertRule');

/** Only in the response to the request that has set the secret. */
const withSecret = ruleSchema.extend({
  secret: z
    .string()
    .optional()
    .describe('What the receiver of a webhook verifies with. Shown only in the response that has set the target.'),
});

const fields = {
  name: line(MAX_NAME).min(1).optional().describe('Is part of the messages. By default the condition and the target.'),
  condition: z
    .enum(alertConditions)
    .describe(
      'subscription_failing: every attempt has failed; subscription_disabled: disabled because of its receiver; ' +
        'breaker_open: its circuit breaker is open; backlog_older_than: the oldest due delivery waits, of the account or ' +
        'of all accounts together.',
    ),
  minutes: z
    .int()
    .min(0)
    .max(MAX_MINUTES)
    .optional()
    .describe('For how long the condition must hold; 15 by default, 0 for subscription_disabled and breaker_open.'),
  accountId: z.string().nullable().optional().describe('Only this account; null, the default, for all.'),
  repeatAfterMinutes: z
    .int()
    .min(5)
    .max(MAX_MINUTES)
    .nullable()
    .optional()
    .describe('Repeats an alert that lasts after so many minutes; null, the default, for never.'),
  target: targetInput.describe('In an edit it is replaced as a whole.'),
  enabled: z.boolean().optional().describe('True by default; disabling a rule ends its alerts without a message.'),
};
const newRule = z.strictObject(fields);
const ruleEdit = newRule.partial();

export function alertRuleRoutes(routing: Routing, context: ApiContext): void {
  readRoutes(routing, context);
  changeRoutes(routing, context);
}

function readRoutes(routing: Routing, { store }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/alert-rules',
      tag,
      scope: 'admin',
      summary: 'List alert rules',
      responses: {
        status: 200,
        description: 'All rules, oldest first',
        schema: z.object({ data: z.array(ruleSchema) }),
      },
    },
    async () => ({ data: (await listRules(store)).map(show) }),
  );

  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/alert-rules/{id}',
      tag,
      scope: 'admin',
      summary: 'Get an alert rule',
      params,
      responses: { status: 200, description: 'The rule', schema: ruleSchema },
    },
    async ({ params: { id } }) => {
      const rule = await findRule(store, id);
      if (!rule) throw notFound('alert rule');
      return show(rule);
    },
  );
}

function changeRoutes(routing: Routing, context: ApiContext): void {
  const { store } = context;
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/alert-rules',
      tag,
      scope: 'admin',
      summary: 'Create an alert rule',
      description:
        'Evaluated twice a minute. Each subscription, or the backlog, causes one message when the condition begins to ' +
        'hold and one when it is over; many at once are summarized.',
      body: newRule,
      responses: { status: 201, description: 'The rule', schema: withSecret },
      problems: [409],
    },
    async ({ body }) => {
      const { condition, minutes = defaultMinutes(condition), enabled = true } = body;
      const { accountId = null, repeatAfterMinutes = null } = body;
      const target = checkTarget(context, body.target);
      const { name = defaultName(condition, target) } = body;
      const choices = { name, condition, minutes, accountId, repeatAfterMinutes, target, enabled };
      await checkChoices(context, choices);
      const rule = await insertRule(store, choices);
      if (!rule) throw new Problem('quota_exceeded', `there are ${MAX_RULES} alert rules already; delete one`);
      return { ...show(rule), ...secretOf(rule) };
    },
  );

  addRoute(
    routing,
    {
      method: 'patch',
      path: '/v1/alert-rules/{id}',
      tag,
      scope: 'admin',
      summary: 'Edit an alert rule',
      params,
      body: ruleEdit,
      responses: { status: 200, description: 'The rule', schema: withSecret },
    },
    async ({ params: { id }, body: { target: given, ...body } }) => {
      const target = given && checkTarget(context, given);
      const former = await findRule(store, id);
      if (!former) throw notFound('alert rule');
      const merged = (rule: AlertRule): AlertRuleChoices => ({ ...rule, ...defined(body), ...(target && { target }) });
      await checkChoices(context, merged(former));
      const rule = await editRule(store, id, merged);
      if (!rule) throw notFound('alert rule');
      return { ...show(rule), ...(target ? secretOf(rule) : {}) };
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path: '/v1/alert-rules/{id}',
      tag,
      scope: 'admin',
      summary: 'Delete an alert rule and its alerts',
      params,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params: { id } }) => {
      if (!(await deleteRule(store, id))) throw notFound('alert rule');
    },
  );
}

/** The conditions that are a failure for good, or the result of a rule about time already, hold at once. */
function defaultMinutes(condition: AlertCondition): number {
  return condition === 'subscription_disabled' || condition === 'breaker_open' ? 0 : 15;
}

/** Rules with the same condition differ in their targets, so a name that nobody has chosen has both. */
function defaultName(condition: AlertCondition, target: AlertTarget): string {
  const { kind, url, to } = showTarget(target);
  return [`${condition}:`, kind, url ?? to].filter(Boolean).join(' ').slice(0, MAX_NAME);
}

async function checkChoices({ store }: ApiContext, choices: AlertRuleChoices): Promise<void> {
  const { condition, minutes, accountId, target } = choices;
  if (accountId !== null && !(await findAccount(store, accountId)))
    throw invalidField('accountId', 'there is no such account');
  const isBacklog = condition === 'backlog_older_than';
  if (isBacklog && target.kind === 'customer' && accountId === null)
    throw invalidField('target.kind', 'the backlog of all accounts is not for a customer; name an accountId');
  if ((isBacklog || condition === 'subscription_failing') && minutes === 0)
    throw invalidField('minutes', 'must be at least 1 for this condition');
}

function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function show({ target, ...rule }: AlertRule) {
  return { ...rule, target: showTarget(target) };
}

function secretOf({ target }: AlertRule): { readonly secret?: string } {
  return target.kind === 'webhook' ? { secret: verificationKey(target.secret) } : {};
}
