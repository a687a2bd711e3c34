/** Creates, edits and shows accounts for all routes that do. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { newId } from '../../contract/ids.js';
import { contractOf, contracts, findContract } from '../../providers/registry.js';
import { environments, insertAccount, type AccountEdit, type StoredAccount } from '../../store/accounts/accounts.js';
import { isExternalIdTaken } from '../../store/accounts/external-ids.js';
import { insertApiKey } from '../../store/accounts/api-keys.js';
import { inTransaction, type Queryable, type Store } from '../../store/store.js';
import { check } from '../../http/check.js';
import { invalidField, Problem } from '../../http/problem.js';
import { line } from '../schemas.js';
import { accountChoices, checkChoices } from './options.js';
import { externalIdSchema } from './external-ids.js';

const editable = {
  name: line(200).min(1),
  settings: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Settings of the provider's contract; see the provider's page in the documentation."),
  validatePayloads: z.boolean().optional().describe('Reject events that lack a documented field of their type.'),
  ...accountChoices,
};

/** Request body that edits an account. */
export const accountEdit = z.strictObject(editable).partial();

const PROVIDERS = contracts.map(({ provider }) => provider).join(', ');

/** Request body that creates an account of any provider. */
export const newAccount = z.strictObject({
  provider: z
    .string()
    .refine((provider) => findContract(provider) !== undefined, `must be one of ${PROVIDERS}`)
    .describe(PROVIDERS),
  scope: z.record(z.string(), z.unknown()).optional().describe("The provider's own ids; generated when absent."),
  externalId: externalIdSchema.optional(),
  environment: z
    .enum(environments)
    .optional()
    .describe('Whether it belongs to your production (live, the default) or to your tests; it cannot be changed.'),
  ...editable,
  validatePayloads: editable.validatePayloads.default(true),
});

/** Request body that creates or edits the account of a path. */
export const namedAccount = newAccount
  .omit({ externalId: true })
  .extend({ validatePayloads: editable.validatePayloads });
type NewAccount = z.infer<typeof namedAccount> & Pick<z.infer<typeof newAccount>, 'externalId'>;

/** A new account, and its first API key. */
interface CreatedAccount {
  readonly account: StoredAccount;
  readonly apiKey: string;
}

const NOT_PAUSED = { pausedAt: null, pausedReason: null, resumeRate: null };

/** An account below another one. */
interface Below extends Pick<StoredAccount, 'uid' | 'reportsParent'> {
  readonly parentId: string;
  /** Its id in the provider's API, from its scope. */
  readonly reference: (scope: unknown) => string;
}

/**
 * Creates an account, with its first API key unless `withKey` is false. Throws a problem for a wrong field, and
 * `conflict` when another account has its external id.
 */
export async function createAccount(
  store: Store,
  body: NewAccount,
  {
    withKey = true,
    below,
    onCreated,
  }: {
    readonly withKey?: boolean;
    /** The account that creates it through its provider's API, and what is stored for that API. */
    readonly below?: Below;

    /** Called in the transaction that creates it; rolls it back when it rejects. */
    readonly onCreated?: (client: Queryable, created: CreatedAccount) => Promise<void>;
  } = {},
): Promise<CreatedAccount> {
  const contract = findContract(body.provider);
  if (!contract) throw invalidField('provider', `must be one of ${PROVIDERS}`);
  const rules = contract.accounts;
  const scope = body.scope === undefined ? rules.newScope(randomBytes) : check(rules.scope, body.scope, 'scope');
  const settings = check(rules.settings, body.settings ?? {}, 'settings');
  const account = {
    id: newId('acc'),
    provider: contract.provider,
    name: body.name,
    scope,
    settings,
    validatePayloads: body.validatePayloads ?? true,
    ...checkChoices(contract, body),
    externalId: body.externalId ?? null,
    environment: body.environment ?? 'live',
    secrets: rules.newSecrets(randomBytes),
    ...(below && { parentId: below.parentId, uid: below.uid, reportsParent: below.reportsParent ?? false }),
  };
  const apiKey = rules.newApiKey(randomBytes);
  try {
    return await inTransaction(store, async (client) => {
      const createdAt = await insertAccount(store, client, account, below?.reference(scope));
      if (withKey) await insertApiKey(client, { accountId: account.id, key: apiKey });
      const created = { account: { ...account, ...NOT_PAUSED, createdAt }, apiKey };
      await onCreated?.(client, created);
      return created;
    });
  } catch (error) {
    if (!isExternalIdTaken(error)) throw error;
    throw new Problem('conflict', 'another account has this externalId; choose another one, or edit that account');
  }
}

/** The fields of an account after an edit; absent fields and settings stay unchanged. */
export function editOf(former: StoredAccount, body: z.infer<typeof accountEdit>): AccountEdit {
  const contract = contractOf(former.provider);
  const { name = former.name, validatePayloads = former.validatePayloads } = body;
  const settings = check(contract.accounts.settings, { ...(former.settings as object), ...body.settings }, 'settings');
  return { name, validatePayloads, settings, ...checkChoices(contract, body, former) };
}

/** An account as the API shows it, without its secrets. */
export function showAccount({ id, provider, name, scope, settings, validatePayloads, ...account }: StoredAccount) {
  const { receivesOperationalEvents, disableAfterHours, retentionDays, dispatchWeight, maxSubscriptions } = account;
  const { externalId, metadata, contactEmail, environment, workflows, featureFlags, policy, createdAt } = account;
  const flags = { workflows, featureFlags, policy, parentId: account.parentId ?? null };
  const { pausedAt, pausedReason, resumeRate: resumeRatePerSecond } = account;
  const pause = { pausedAt, pausedReason, resumeRatePerSecond };
  const choices = { receivesOperationalEvents, disableAfterHours, retentionDays, dispatchWeight, maxSubscriptions };
  const own = { externalId, metadata, contactEmail, environment };
  return { id, provider, name, scope, settings, validatePayloads, ...choices, ...flags, ...own, ...pause, createdAt };
}
