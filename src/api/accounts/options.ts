/** What an operator chooses for an account, whatever its provider. */
import { z } from 'zod';
import { MAX_RETENTION_DAYS } from '../../config/defaults.js';
import type { AnyContract } from '../../contract/types.js';
import { refusedOperation } from '../../dispatch/operational-events.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { invalidField } from '../../http/problem.js';

/** A year: longer is never. */
const MAX_HOURS = 8_760;
const MAX_WEIGHT = 100;
/** The directory caches all subscriptions of an account together. */
const MAX_SUBSCRIPTIONS = 10_000;

export const accountChoices = {
  receivesOperationalEvents: z
    .boolean()
    .optional()
    .describe(
      'Whether operational events are emitted to it; then nothing that happens in it is one. False by default.',
    ),
  disableAfterHours: z
    .int()
    .min(1)
    .max(MAX_HOURS)
    .nullable()
    .optional()
    .describe(
      'Disable a subscription of which every attempt has failed for so long; only where the contract says nothing ' +
        'about that. Null, the default, for never.',
    ),
  retentionDays: z
    .int()
    .min(0)
    .max(MAX_RETENTION_DAYS)
    .nullable()
    .optional()
    .describe(
      'Keep events, deliveries and attempts for so many days, and for a week more at most; what is open is kept ' +
        'longer. 0 for ever; null, the default, for as long as PIGEONPOST_RETENTION_DAYS says.',
    ),
  dispatchWeight: z
    .int()
    .min(1)
    .max(MAX_WEIGHT)
    .optional()
    .describe('How many of its deliveries are started in its turn, when those of several accounts wait. 1 by default.'),
  maxSubscriptions: z
    .int()
    .min(0)
    .max(MAX_SUBSCRIPTIONS)
    .nullable()
    .optional()
    .describe(
      'How many subscriptions it may have; those it has stay. Null, the default, for as many as ' +
        'PIGEONPOST_MAX_SUBSCRIPTIONS says.',
    ),
};

type AccountChoices = Pick<
  StoredAccount,
  'receivesOperationalEvents' | 'disableAfterHours' | 'retentionDays' | 'dispatchWeight' | 'maxSubscriptions'
>;

/** The choices of a request, where it makes none the former ones. Throws a problem when the contract rules one out. */
export function checkChoices(
  contract: AnyContract,
  given: z.infer<z.ZodObject<typeof accountChoices>>,
  former: AccountChoices = {
    receivesOperationalEvents: false,
    disableAfterHours: null,
    retentionDays: null,
    dispatchWeight: 1,
    maxSubscriptions: null,
  },
): AccountChoices {
  const choices = { ...former, ...given };
  const { receivesOperationalEvents, disableAfterHours } = choices;
  const refused = receivesOperationalEvents ? refusedOperation(contract.provider) : undefined;
  if (refused !== undefined)
    throw invalidField('receivesOperationalEvents', `${contract.title} has no event ${refused}`);
  if (disableAfterHours !== null && contract.disableAfterFailing) {
    throw invalidField('disableAfterHours', `the contract of ${contract.title} says when a subscription is disabled`);
  }
  const { retentionDays, dispatchWeight, maxSubscriptions } = choices;
  return { receivesOperationalEvents, disableAfterHours, retentionDays, dispatchWeight, maxSubscriptions };
}
