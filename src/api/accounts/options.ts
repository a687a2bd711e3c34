/** Options that an operator can set for an account of any provider. */
import { z } from 'zod';
import { MAX_RETENTION_DAYS, workflowModes } from '../../config/defaults.js';
import type { AnyContract } from '../../contract/types.js';
import { refusedOperation } from '../../dispatch/operational-events.js';
import type { AccountChoices } from '../../store/accounts/accounts.js';
import { invalidField } from '../../http/problem.js';
import { checkPolicy } from '../policies.js';
import { line, policySchema } from '../schemas.js';

/** One year. */
const MAX_HOURS = 8_760;
const MAX_WEIGHT = 100;
const MAX_FEATURE_FLAGS = 50;
/** The subscription cache loads all subscriptions of an account together. */
const MAX_SUBSCRIPTIONS = 10_000;

const MAX_METADATA = 50;

export const accountChoices = {
  receivesOperationalEvents: z
    .boolean()
    .optional()
    .describe('Whether it receives operational events; it then causes none itself. False by default.'),
  disableAfterHours: z
    .int()
    .min(1)
    .max(MAX_HOURS)
    .nullable()
    .optional()
    .describe(
      'Disable a subscription after all its attempts have failed for this many hours; only if the contract has no ' +
        'rule for that. Null, the default, for never.',
    ),
  retentionDays: z
    .int()
    .min(0)
    .max(MAX_RETENTION_DAYS)
    .nullable()
    .optional()
    .describe(
      'Days to keep events, deliveries and attempts, plus one week at most; open deliveries are kept longer. ' +
        '0 to keep them indefinitely; null, the default, for the value of PIGEONPOST_RETENTION_DAYS.',
    ),
  dispatchWeight: z
    .int()
    .min(1)
    .max(MAX_WEIGHT)
    .optional()
    .describe(
      'How many of its deliveries are started per round, when deliveries of several accounts wait. 1 by default.',
    ),
  maxSubscriptions: z
    .int()
    .min(0)
    .max(MAX_SUBSCRIPTIONS)
    .nullable()
    .optional()
    .describe(
      'Maximum number of subscriptions; existing ones are kept. Null, the default, for the value of ' +
        'PIGEONPOST_MAX_SUBSCRIPTIONS.',
    ),
  metadata: z
    .record(line(64).min(1), line(500))
    .refine((metadata) => Object.keys(metadata).length <= MAX_METADATA, `must not have more than ${MAX_METADATA} names`)
    .optional()
    .describe(
      `Your own notes: up to ${MAX_METADATA} names of 64 characters with texts of 500. An edit replaces all of them.`,
    ),
  contactEmail: z
    .email()
    .max(254)
    .nullable()
    .optional()
    .describe('Where alerts for the customer are sent, see /v1/alert-rules. Null, the default, for nowhere.'),
  workflows: z
    .enum(workflowModes)
    .nullable()
    .optional()
    .describe(
      'When its deliveries get a workflow in Temporal: always, adaptive or on_retry. Null, the default, for the value ' +
        'of PIGEONPOST_WORKFLOWS.',
    ),
  featureFlags: z
    .array(line(100).min(1))
    .max(MAX_FEATURE_FLAGS)
    .optional()
    .describe('The account sees event types that have one of these flags. None by default.'),
  policy: policySchema.nullable().optional().describe('Delivery policy of all its subscriptions; null for none.'),
};

/** The options of a request, with `former` for absent ones. Throws a problem when the contract forbids one. */
export function checkChoices(
  contract: AnyContract,
  given: z.infer<z.ZodObject<typeof accountChoices>>,
  former: AccountChoices = {
    receivesOperationalEvents: false,
    disableAfterHours: null,
    retentionDays: null,
    dispatchWeight: 1,
    maxSubscriptions: null,
    metadata: {},
    contactEmail: null,
    workflows: null,
    featureFlags: [],
    policy: null,
  },
): AccountChoices {
  const choices = { ...former, ...given };
  const { receivesOperationalEvents, disableAfterHours } = choices;
  const refused = receivesOperationalEvents ? refusedOperation(contract.provider) : undefined;
  if (refused !== undefined)
    throw invalidField('receivesOperationalEvents', `${contract.title} has no event ${refused}`);
  if (disableAfterHours !== null && contract.disableAfterFailing) {
    throw invalidField(
      'disableAfterHours',
      `the contract of ${contract.title} already defines when a subscription is disabled`,
    );
  }
  const { retentionDays, dispatchWeight, maxSubscriptions, workflows, metadata, contactEmail, policy } = choices;
  checkPolicy(contract, policy);
  const featureFlags = [...new Set(choices.featureFlags)];
  if (featureFlags.length > 0 && !contract.openCatalogue) {
    throw invalidField('featureFlags', `${contract.title} has its own event types, which need no flags; remove it`);
  }
  const limits = { retentionDays, dispatchWeight, maxSubscriptions, workflows };
  return { receivesOperationalEvents, disableAfterHours, ...limits, featureFlags, metadata, contactEmail, policy };
}
