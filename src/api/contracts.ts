/** Describes contracts for people and forms: events, schedules, schemas and signatures. Verifies received requests. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Account } from '../contract/entities.js';
import type { AnyContract } from '../contract/types.js';
import { contracts, findContract } from '../providers/registry.js';
import { TimestampError } from '../contract/verification.js';
import { findVerifier, VerificationError, type Received, type Verifier } from '../providers/verify.js';
import { newAccount } from './accounts/create.js';

import type { Principal } from '../http/principal.js';
import { invalidField, notFound } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import { fieldsOf } from './subscriptions/input.js';

const tag = 'Contracts';

/** JSON Schema 2020-12. */
const jsonSchema = z.record(z.string(), z.unknown());

const contractSchema = z
  .object({
    provider: z.string(),
    title: z.string(),
    summary: z.string(),
    events: z.array(
      z.object({
        type: z.string(),
        description: z.string(),
        schema: jsonSchema.describe('JSON Schema of `data`; additional fields are allowed.'),
        example: z.unknown(),
        schedule: z.array(z.number()).describe('The waits after failed attempts, in milliseconds.'),
        timeLimitMs: z.number().describe('Time limit of one attempt, in milliseconds.'),
        retries: z.int(),
      }),
    ),
    openCatalogue: z.boolean().describe('Whether the platform defines the event types; see /v1/event-types.'),
    orderingKeys: z.boolean().describe('Whether events may have an `orderingKey`.'),
    batches: z.boolean().describe('Whether a subscription may get several events in one request (`batch`).'),
    accepted: z.string().describe('Which responses accept a delivery, and which end it.'),
    signature: z.object({ headers: z.array(z.string()), description: z.string() }),
    subscriptionSchema: jsonSchema.describe('JSON Schema of the request that creates a subscription.'),
    accountSchema: jsonSchema.describe('JSON Schema of the request that creates an account.'),
  })
  .openapi('Contract');

const received = z.strictObject({
  secret: z.string().min(1).max(4_096).describe("The receiver's secret, token, credentials or header."),
  headers: z.record(z.string(), z.string()).describe('As received; names in any case.'),
  body: z.string().describe('As received, before parsing.'),
  url: z.string().optional().describe('The registered URL, if the contract signs it.'),
});

export function contractRoutes(routing: Routing): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/contracts',
      tag,
      scope: 'read',
      summary: 'Describe the contracts',
      description:
        'An account gets its own contract with its settings; an operator gets all with the settings of a new account.',
      forAccounts: true,
      capability: 'view',
      responses: { status: 200, description: 'Contracts', schema: z.object({ data: z.array(contractSchema) }) },
    },
    async ({ principal }) => ({
      data: contractsFor(principal).map((contract) => {
        const account = principal.role === 'account' ? principal.account : newAccountOf(contract);
        return describeContract(contract, account);
      }),
    }),
  );

  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/contracts/{provider}/verify',
      tag,
      scope: 'read',
      summary: 'Verify a request as its receiver would',
      description: 'Nothing of it is stored or logged. An old timestamp is reported but does not make it invalid.',
      forAccounts: true,
      params: z.object({ provider: z.string() }),
      body: received,
      responses: {
        status: 200,
        description: 'Whether the request is genuine, and why',
        schema: z.object({ valid: z.boolean(), reason: z.string() }),
      },
    },
    async ({ params, body, principal }) => {
      const contract = contractsFor(principal).find(({ provider }) => provider === params.provider);
      const verifier = contract && findVerifier(contract.provider);
      if (!verifier) throw notFound('contract');
      return verify(verifier, body);
    },
  );
}

function contractsFor(principal: Principal): readonly AnyContract[] {
  if (principal.role === 'operator') return contracts;
  const own = findContract(principal.account.provider);
  return own ? [own] : [];
}

/** A new account with default settings; schedules may depend on the settings. */
function newAccountOf({ accounts: rules }: AnyContract): Account {
  return {
    id: '',
    name: '',
    scope: rules.newScope(randomBytes),
    settings: rules.settings.parse({}),
    secrets: rules.newSecrets(randomBytes),
  };
}

function describeContract(contract: AnyContract, account: Account) {
  const { provider, title, about } = contract;
  const { events, ...schemas } = schemasOf(contract);
  return {
    provider,
    title,
    summary: about.summary,
    events: contract.events.map(({ type, title: description, example }, index) => {
      const schedule = contract.schedule(type, account);
      return {
        type,
        description,
        schema: events[index],
        example,
        schedule,
        timeLimitMs: contract.timeLimitMs(type, account),
        retries: schedule.length,
      };
    }),
    openCatalogue: contract.openCatalogue !== undefined,
    orderingKeys: contract.hasOrderingKeys ?? false,
    batches: contract.batching !== undefined,
    accepted: about.accepted,
    signature: about.signature,
    ...schemas,
  };
}

type Schemas = ReturnType<typeof makeSchemas>;
const cache = new WeakMap<AnyContract, Schemas>();

/** The schemas of a contract, cached because they never change. */
function schemasOf(contract: AnyContract): Schemas {
  const schemas = cache.get(contract) ?? makeSchemas(contract);
  cache.set(contract, schemas);
  return schemas;
}

function makeSchemas(contract: AnyContract) {
  const {
    provider,
    events,
    accounts: { scope, settings },
  } = contract;
  const toJson = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const account = newAccount.extend({
    provider: z.literal(provider),
    scope: scope.optional(),
    settings: settings.optional(),
  });
  return {
    events: events.map(({ data }) => toJson(data)),
    subscriptionSchema: toJson(fieldsOf(contract)),
    accountSchema: toJson(account),
  };
}

function verify(verifier: Verifier, { secret: text, ...request }: z.output<typeof received>) {
  const secret = readSecret(verifier, text);
  const error = verificationError(verifier, request, secret);
  if (error === undefined) return { valid: true, reason: 'it matches what the sender makes with this secret' };
  // The timestamp is checked before the signature, so nothing is computed twice.
  const forged = error instanceof TimestampError ? verificationError(verifier, request, secret, Infinity) : error;
  if (forged !== undefined) return { valid: false, reason: forged.message };
  return {
    valid: true,
    reason: `it matches what the sender makes with this secret, but a receiver may reject it: ${error.message}`,
  };
}

function readSecret(verifier: Verifier, text: string): unknown {
  try {
    return verifier.readSecret(text);
  } catch (error) {
    throw invalidField('secret', `${(error as Error).message}; give ${verifier.secretForm}`);
  }
}

/** Why a receiver rejects a request, or undefined. All other errors mean that the URL is missing. */
function verificationError(
  verifier: Verifier,
  request: Received,
  secret: unknown,
  toleranceS?: number,
): VerificationError | undefined {
  try {
    verifier.verify(request, secret, toleranceS === undefined ? {} : { toleranceS });
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error;
    throw invalidField('url', (error as Error).message);
  }
}
