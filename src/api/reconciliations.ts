/** POST /v1/reconciliations: compares the database with Temporal, and mends what does not match. */
import { z } from 'zod';
import { isId } from '../contract/ids.js';
import { reconcile, type ReconciliationPosition } from '../dispatch/reconciliation/reconcile.js';
import { mismatches, type Finding } from '../dispatch/reconciliation/types.js';
import { invalidField } from '../http/problem.js';
import { addRoute, type Routing } from '../http/route.js';
import type { ApiContext } from './context.js';

/** Deliveries or workflows per request. */
const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 200;
/** Listed deliveries of each kind. */
const MAX_EXAMPLES = 5;
/** Temporal's page tokens are a part of the cursor. */
const MAX_CURSOR = 4_000;
/** What Temporal responds to a token that is none, by its store: unknown, or invalid argument. */
const INVALID_TOKEN_CODES: readonly unknown[] = [2, 3];

const request = z.strictObject({
  dryRun: z.boolean().default(true).describe('Only count; change nothing.'),
  limit: z
    .int()
    .min(1)
    .max(MAX_LIMIT)
    .default(DEFAULT_LIMIT)
    .describe('Maximum number of deliveries, or of workflows, that this request compares.'),
  cursor: z.string().max(MAX_CURSOR).optional().describe('nextCursor of the previous request.'),
});

const count = (what: string) => z.int().describe(what);

const reconciliationSchema = z
  .object({
    dryRun: z.boolean(),
    running: count('Open deliveries with a running workflow, or that changed during the comparison.'),
    missing: count(
      'Open deliveries that Temporal does not know. Mended by a workflow that starts at their position of the schedule.',
    ),
    closed: count(
      'Open deliveries whose workflow has ended. Mended by its result, or by another workflow where the result is unknown.',
    ),
    pause: count(
      'Open deliveries that are paused in the database only, or in their workflow only. Mended by pausing or resuming the ' +
        'workflow, as the database says.',
    ),
    unknown: count('Running workflows of deliveries that the database does not know. Mended by their termination.'),
    settled: count('Running workflows of deliveries that have ended. Mended by their termination.'),
    workflows: count('Running workflows that this request compared with the database.'),
    mended: count('How many were mended; 0 with dryRun.'),
    failed: count('How many could not be mended now; repeat the reconciliation.'),
    examples: z
      .array(z.object({ kind: z.enum(mismatches), deliveryId: z.string() }))
      .describe('Up to five deliveries of each kind that does not match.'),
    nextCursor: z.string().nullable().describe('Repeat the request with it as cursor; null when all are compared.'),
  })
  .openapi('Reconciliation');

export function reconciliationRoutes(routing: Routing, { store, client, log }: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/reconciliations',
      tag: 'Overview',
      scope: 'admin',
      summary: 'Compare the database with Temporal, and mend what does not match',
      description:
        'For use after a restore of PostgreSQL or of Temporal. Compares the open deliveries first, then the running ' +
        'workflows. Only counts unless dryRun is false. Each request does a limited part; repeat it with nextCursor as ' +
        'cursor until that is null. A request that failed can be repeated.',
      bodyOptional: true,
      body: request,
      responses: { status: 200, description: 'What was found, and mended', schema: reconciliationSchema },
    },
    async ({ body: { dryRun, limit, cursor } }) => {
      const warn = (deliveryId: string, error: unknown) =>
        log.warn({ err: error, deliveryId }, 'cannot mend a delivery now; repeat the reconciliation');
      const position = readPosition(cursor);
      const context = { store, client, dryRun, warn };
      const part = await reconcile(context, position, limit).catch((error: unknown) => {
        throw isInvalidToken(error, position) ? invalidCursor() : error;
      });
      const { findings, workflows, next } = part;
      return {
        dryRun,
        running: numberOf(findings, 'running'),
        missing: numberOf(findings, 'missing'),
        closed: numberOf(findings, 'closed'),
        pause: numberOf(findings, 'pause'),
        unknown: numberOf(findings, 'unknown'),
        settled: numberOf(findings, 'settled'),
        workflows,
        mended: findings.filter(({ result }) => result === 'mended').length,
        failed: findings.filter(({ result }) => result === 'failed').length,
        examples: mismatches.flatMap((kind) =>
          findings
            .filter((finding) => finding.kind === kind)
            .slice(0, MAX_EXAMPLES)
            .map(({ deliveryId }) => ({ kind, deliveryId })),
        ),
        nextCursor: next ? cursorOf(next) : null,
      };
    },
  );
}

function numberOf(findings: readonly Finding[], kind: Finding['kind']): number {
  return findings.filter((finding) => finding.kind === kind).length;
}

/** A cursor is the kind of its part, and where that begins, in base64url. */
function cursorOf(position: ReconciliationPosition): string {
  const parts =
    position.of === 'deliveries'
      ? ['deliveries', position.after?.subscriptionId ?? '', position.after?.id ?? '']
      : ['workflows', Buffer.from(position.token ?? []).toString('base64')];
  return Buffer.from(parts.join(' ')).toString('base64url');
}

function readPosition(cursor: string | undefined): ReconciliationPosition {
  if (cursor === undefined) return { of: 'deliveries' };
  const [of, first = '', id = ''] = Buffer.from(cursor, 'base64url').toString('utf8').split(' ');
  if (of === 'deliveries' && isId('sub', first) && isId('dlv', id)) return { of, after: { subscriptionId: first, id } };
  if (of === 'workflows') return { of, ...(first === '' ? {} : { token: Buffer.from(first, 'base64') }) };
  throw invalidCursor();
}

const invalidCursor = () => invalidField('cursor', 'must be the nextCursor of a previous request');

/** Only Temporal knows whether a token is one of its own. */
function isInvalidToken(error: unknown, position: ReconciliationPosition): boolean {
  if (position.of !== 'workflows' || position.token === undefined) return false;
  return INVALID_TOKEN_CODES.includes((error as { code?: unknown }).code);
}
