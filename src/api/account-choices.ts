/** What an operator chooses for an account, whatever its provider. */
import { z } from 'zod';
import type { AnyContract } from '../contract/types.js';
import { refusedOperation } from '../dispatch/operations.js';
import type { StoredAccount } from '../store/accounts.js';
import { invalidField } from './problem.js';

/** A year: longer is never. */
const MOST_HOURS = 8_760;

export const accountChoices = {
  receivesOperations: z
    .boolean()
    .optional()
    .describe(
      'Whether operational events are emitted to it; then nothing that happens in it is one. False by default.',
    ),
  disableAfterHours: z
    .int()
    .min(1)
    .max(MOST_HOURS)
    .nullable()
    .optional()
    .describe(
      'Disable a subscription of which every attempt has failed for so long; only where the contract says nothing ' +
        'about that. Null, the default, for never.',
    ),
};

type AccountChoices = Pick<StoredAccount, 'receivesOperations' | 'disableAfterHours'>;

/** The choices of a request, where it makes none the former ones. Throws a problem when the contract rules one out. */
export function checkChoices(
  contract: AnyContract,
  given: z.infer<z.ZodObject<typeof accountChoices>>,
  former: AccountChoices = { receivesOperations: false, disableAfterHours: null },
): AccountChoices {
  const { receivesOperations = former.receivesOperations, disableAfterHours = former.disableAfterHours } = given;
  const refused = receivesOperations ? refusedOperation(contract.provider) : undefined;
  if (refused !== undefined) throw invalidField('receivesOperations', `${contract.title} has no event ${refused}`);
  if (disableAfterHours !== null && contract.disableAfterFailing) {
    throw invalidField('disableAfterHours', `the contract of ${contract.title} says when a subscription is disabled`);
  }
  return { receivesOperations, disableAfterHours };
}
