/** Routes of event types that the platform defines. Operators write; accounts of contracts with such types read. */
import { z } from 'zod';
import { contractOf } from '../../providers/registry.js';
import {
  CatalogueFull,
  deleteEventType,
  findEventType,
  findVersion,
  listEventTypes,
  listVersions,
  saveEventTypes,
  type EventTypeChange,
  type SavedEventType,
} from '../../store/event-types/event-types.js';
import type { ApiContext } from '../context.js';
import type { Principal } from '../../http/principal.js';
import { invalidField, notFound, Problem } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { pageOf, paging, time } from '../schemas.js';
import { sees } from './checks.js';
import {
  checkName,
  completeFields,
  eventTypeFields,
  eventTypeSchema,
  NEW_EVENT_TYPE,
  showEventType,
} from './fields.js';

const tag = 'Event types';
const params = z.object({ name: z.string() });
const path = '/v1/event-types/{name}';
/** Maximum number of event types in a page: their schemas and examples are part of it. */
const MAX_PAGE = 100;

const listQuery = paging.extend({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50).describe('Maximum number of entries.'),
  group: z.string().max(100).optional().describe('Only of this group.'),
  archived: z.enum(['true', 'false']).optional().describe('Only archived ones, or only others.'),
});

const detailSchema = eventTypeSchema.extend({
  versions: z
    .array(z.object({ version: z.int(), createdAt: time }))
    .describe('Versions of the schema, the newest first.'),
});

type EventTypesContext = Pick<ApiContext, 'store' | 'eventTypes'>;

/** Saves event types and makes them known to this process. Throws a problem when there would be too many. */
export async function changeCatalogue(
  { store, eventTypes }: EventTypesContext,
  changes: readonly EventTypeChange[],
): Promise<SavedEventType[]> {
  try {
    const saved = await saveEventTypes(store, changes);
    await eventTypes.reload();
    return saved;
  } catch (error) {
    throw error instanceof CatalogueFull ? new Problem('quota_exceeded', `${error.message}; delete some`) : error;
  }
}

export function eventTypeRoutes(routing: Routing, context: EventTypesContext): void {
  readRoutes(routing, context);
  writeRoutes(routing, context);
}

/** Lists event types and shows one. */
function readRoutes(routing: Routing, { store }: EventTypesContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/event-types',
      tag,
      scope: 'read',
      summary: 'List event types',
      description: 'Sorted by name. An account gets those that it can subscribe to.',
      forAccounts: true,
      capability: 'view',
      query: listQuery,
      responses: { status: 200, description: 'Event types', schema: pageOf(eventTypeSchema) },
    },
    async ({ query: { limit, cursor, group, archived }, principal }) => {
      const flags = flagsOf(principal);
      const rows = await listEventTypes(store, {
        limit: limit + 1,
        after: readNameCursor(cursor),
        group,
        ...(archived && { archived: archived === 'true' }),
        ...(flags && { featureFlags: flags }),
      });
      const shown = rows.slice(0, limit);
      const nextCursor = rows.length > limit ? Buffer.from(shown.at(-1)!.name).toString('base64url') : null;
      return { data: shown.map(showEventType), nextCursor };
    },
  );

  addRoute(
    routing,
    {
      method: 'get',
      path,
      tag,
      scope: 'read',
      summary: 'Get an event type',
      forAccounts: true,
      capability: 'view',
      params,
      query: z.strictObject({
        version: z.coerce.number().int().min(1).optional().describe('Shows the schema of this version.'),
      }),
      responses: { status: 200, description: 'The event type and the versions of its schema', schema: detailSchema },
    },
    async ({ params: { name }, query: { version }, principal }) => {
      const flags = flagsOf(principal);
      const found = await findEventType(store, name);
      if (!found || (flags && (found.archived || !sees({ featureFlags: flags }, found.featureFlag))))
        throw notFound('event type');
      const versions = await listVersions(store, name);
      if (version === undefined) return { ...showEventType(found), versions };
      const former = await findVersion(store, name, version);
      if (!former) throw notFound('version of this event type');
      return { ...showEventType(found), version, schema: former.schema, versions };
    },
  );
}

/** Defines, edits and deletes event types. */
function writeRoutes(routing: Routing, context: EventTypesContext): void {
  const { store, eventTypes } = context;

  addRoute(
    routing,
    {
      method: 'put',
      path,
      tag,
      scope: 'admin',
      summary: 'Define an event type, or replace its definition',
      description: 'Absent fields get their defaults. Known to all processes within a second.',
      params,
      body: eventTypeFields,
      responses: { status: 200, description: 'The event type', schema: eventTypeSchema },
      problems: [409],
    },
    async ({ params: { name }, body }) => {
      checkName(name);
      const fields = completeFields(body, NEW_EVENT_TYPE);
      const [saved] = await changeCatalogue(context, [{ name, fields: () => fields }]);
      return showEventType(saved!.eventType);
    },
  );

  addRoute(
    routing,
    {
      method: 'patch',
      path,
      tag,
      scope: 'admin',
      summary: 'Edit an event type',
      description: 'Absent fields stay unchanged. Known to all processes within a second.',
      params,
      body: eventTypeFields,
      responses: { status: 200, description: 'The event type after the edit', schema: eventTypeSchema },
      problems: [409],
    },
    async ({ params: { name }, body }) => {
      const fields: EventTypeChange['fields'] = (former) => {
        if (!former) throw notFound('event type');
        return completeFields(body, former);
      };
      const [saved] = await changeCatalogue(context, [{ name, fields }]);
      return showEventType(saved!.eventType);
    },
  );

  addRoute(
    routing,
    {
      method: 'delete',
      path,
      tag,
      scope: 'admin',
      summary: 'Delete an event type',
      description: 'With the versions of its schema. Subscriptions keep its name. To refuse its events, archive it.',
      params,
      responses: { status: 204, description: 'Deleted', schema: null },
    },
    async ({ params: { name } }) => {
      if (!(await deleteEventType(store, name))) throw notFound('event type');
      await eventTypes.reload();
    },
  );
}

/** The feature flags of an account that reads; undefined for an operator, who sees everything. */
function flagsOf(principal: Principal): readonly string[] | undefined {
  if (principal.role === 'operator') return undefined;
  const { provider, featureFlags } = principal.account;
  const { openCatalogue, title } = contractOf(provider);
  if (openCatalogue) return featureFlags;
  throw new Problem('invalid_request', `${title} has its own event types; GET /v1/contracts lists them`);
}

/** The name to continue after. Throws a problem for an invalid cursor. */
function readNameCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const name = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!/^[\w.]{1,128}$/.test(name)) throw invalidField('cursor', 'must be the nextCursor of a previous page');
  return name;
}
