/** Event types that the platform defines, and the versions of their schemas. */
import { isDeepStrictEqual } from 'node:util';
import type { DeliveryPolicy } from '../../contract/delivery-policy.js';
import { inTransaction, onlyRow, type Queryable, type Store } from '../store.js';

/** A schema as it was written; its meaning is checked where it is accepted. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What is defined of an event type. */
export interface EventTypeFields {
  readonly description: string;
  readonly group: string | null;
  /** JSON Schema of the payload, draft 2020-12; null while there is none. */
  readonly schema: JsonSchema | null;
  readonly examples: readonly unknown[];
  /** Whether payloads that break the schema are refused. */
  readonly enforce: boolean;
  /** Whether its events are refused; subscriptions keep it. */
  readonly archived: boolean;
  /** Only accounts with this flag see it; null for all. */
  readonly featureFlag: string | null;
  /** What it decides of the deliveries of its events; null for nothing. */
  readonly policy: DeliveryPolicy | null;
}

export interface EventType extends EventTypeFields {
  readonly name: string;
  /** Number of the current version of its schema, from 1. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A version of a schema, without the schema itself. */
export interface EventTypeVersion {
  readonly version: number;
  readonly createdAt: Date;
}

/** Maximum number of event types of an installation, archived ones included. */
const MAX_EVENT_TYPES = 2_000;
/** Maximum size of all current schemas and examples together, in bytes: each process may hold them in memory. */
const MAX_CATALOGUE_BYTES = 16 * 1_024 * 1_024;
/** Maximum number of versions of one event type. */
const MAX_VERSIONS = 1_000;

/** A change would exceed a limit; the message says which. */
export class CatalogueFull extends Error {}

const SELECT = `
  SELECT t.name, t.description, t.group_name AS "group", v.schema, t.examples, t.enforce, t.archived,
         t.feature_flag AS "featureFlag", t.policy, t.version, t.created_at AS "createdAt", t.updated_at AS "updatedAt"
  FROM event_types t JOIN event_type_versions v ON v.event_type = t.name AND v.version = t.version`;

/** Which event types to list. */
export interface EventTypeFilter {
  readonly limit: number;
  /** Only names after this one. */
  readonly after?: string;
  readonly group?: string;
  readonly archived?: boolean;
  /** Only those that an account with these flags sees, which are not archived; all when absent. */
  readonly featureFlags?: readonly string[];
}

/** Event types in the sequence of their names. */
export async function listEventTypes(
  store: Store,
  { limit, after, group, archived, featureFlags }: EventTypeFilter,
): Promise<EventType[]> {
  const { rows } = await store.pool.query<EventType>(
    `${SELECT}
     WHERE ($2::text IS NULL OR t.name > $2) AND ($3::text IS NULL OR t.group_name = $3)
       AND ($4::boolean IS NULL OR t.archived = $4)
       AND ($5::text[] IS NULL OR (NOT t.archived AND (t.feature_flag IS NULL OR t.feature_flag = ANY($5))))
     ORDER BY t.name LIMIT $1`,
    [limit, after ?? null, group ?? null, archived ?? null, featureFlags ?? null],
  );
  return rows;
}

/** An event type by its name; undefined when it is not defined. */
export async function findEventType(
  store: Pick<Store, 'pool'>,
  name: string,
  client: Queryable = store.pool,
): Promise<EventType | undefined> {
  return onlyRow(await client.query<EventType>(`${SELECT} WHERE t.name = $1`, [name]));
}

/** The versions of an event type's schema, the newest first. */
export async function listVersions(store: Store, name: string): Promise<EventTypeVersion[]> {
  const { rows } = await store.pool.query<EventTypeVersion>(
    `SELECT version, created_at AS "createdAt" FROM event_type_versions WHERE event_type = $1 ORDER BY version DESC`,
    [name],
  );
  return rows;
}

/** The schema of one version, null where it had none; undefined when there is no such version. */
export async function findVersion(
  store: Store,
  name: string,
  version: number,
): Promise<{ readonly schema: JsonSchema | null } | undefined> {
  return onlyRow(
    await store.pool.query<{ schema: JsonSchema | null }>(
      'SELECT schema FROM event_type_versions WHERE event_type = $1 AND version = $2',
      [name, version],
    ),
  );
}

/** One event type after a change. */
export interface SavedEventType {
  readonly eventType: EventType;
  /** Undefined when it is new. */
  readonly former: EventType | undefined;
}

/** What to save of an event type. */
export interface EventTypeChange {
  readonly name: string;
  /** Makes the new fields of the former ones; throws to change nothing. */
  readonly fields: (former: EventType | undefined) => EventTypeFields;
}

/**
 * Saves event types in one transaction, one change of the catalogue at a time. What stays as it was is not written. A
 * schema that differs becomes a new version. Throws what `fields` throws, and CatalogueFull; nothing is saved then.
 */
export async function saveEventTypes(store: Store, changes: readonly EventTypeChange[]): Promise<SavedEventType[]> {
  return inTransaction(store, async (client) => {
    await lockCatalogue(client);
    const saved: SavedEventType[] = [];
    for (const { name, fields } of changes) {
      const former = await findEventType(store, name, client);
      saved.push({ eventType: await saveOne(store, client, name, fields(former), former), former });
    }
    if (saved.some(isChanged)) {
      await checkSize(client);
      await renewVersion(client);
    }
    return saved;
  });
}

/** Whether anything was saved. */
export function isChanged({ eventType, former }: SavedEventType): boolean {
  return eventType !== former;
}

async function saveOne(
  store: Store,
  client: Queryable,
  name: string,
  fields: EventTypeFields,
  former: EventType | undefined,
): Promise<EventType> {
  if (former && isDeepStrictEqual({ ...former, ...fields }, former)) return former;
  const isNewSchema = !former || !isDeepStrictEqual(former.schema, fields.schema);
  const version = (former?.version ?? 0) + (isNewSchema ? 1 : 0);
  if (version > MAX_VERSIONS)
    throw new CatalogueFull(`${name} has ${MAX_VERSIONS} versions of its schema, the maximum`);
  await client.query(
    `INSERT INTO event_types (name, description, group_name, examples, enforce, archived, feature_flag, version, policy)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (name) DO UPDATE SET
       description = excluded.description, group_name = excluded.group_name, examples = excluded.examples,
       enforce = excluded.enforce, archived = excluded.archived, feature_flag = excluded.feature_flag,
       version = excluded.version, policy = excluded.policy, updated_at = now()`,
    [
      name,
      fields.description,
      fields.group,
      JSON.stringify(fields.examples),
      fields.enforce,
      fields.archived,
      fields.featureFlag,
      version,
      fields.policy && JSON.stringify(fields.policy),
    ],
  );
  if (isNewSchema) {
    const schema = fields.schema && JSON.stringify(fields.schema);
    await client.query('INSERT INTO event_type_versions (event_type, version, schema) VALUES ($1, $2, $3)', [
      name,
      version,
      schema,
    ]);
  }
  return (await findEventType(store, name, client))!;
}

/** Deletes an event type with its versions; false when it is not defined. */
export async function deleteEventType(store: Store, name: string): Promise<boolean> {
  return inTransaction(store, async (client) => {
    await lockCatalogue(client);
    const { rowCount } = await client.query('DELETE FROM event_types WHERE name = $1', [name]);
    if (rowCount === 1) await renewVersion(client);
    return rowCount === 1;
  });
}

/** Locks the catalogue against other changes until the transaction ends. */
async function lockCatalogue(client: Queryable): Promise<void> {
  await client.query('SELECT FROM event_type_catalogue FOR UPDATE');
}

async function renewVersion(client: Queryable): Promise<void> {
  await client.query('UPDATE event_type_catalogue SET version = gen_random_uuid()');
}

async function checkSize(client: Queryable): Promise<void> {
  const { count, bytes } = onlyRow(
    await client.query<{ count: number; bytes: number }>(
      `SELECT count(*)::integer AS count,
              coalesce(sum(octet_length(coalesce(v.schema::text, '')) + octet_length(t.examples::text)), 0)::float8 AS bytes
       FROM event_types t JOIN event_type_versions v ON v.event_type = t.name AND v.version = t.version`,
    ),
  )!;
  if (count > MAX_EVENT_TYPES) throw new CatalogueFull(`there may be at most ${MAX_EVENT_TYPES} event types`);
  if (bytes > MAX_CATALOGUE_BYTES)
    throw new CatalogueFull(`all schemas and examples together may have at most ${MAX_CATALOGUE_BYTES} bytes`);
}

/** What accepting events needs of an event type. */
export interface CatalogueEntry {
  readonly name: string;
  readonly archived: boolean;
  readonly featureFlag: string | null;
  readonly policy: DeliveryPolicy | null;
  /** JSON text of the schema that payloads must match; null when none is enforced. */
  readonly enforcedSchema: string | null;
  /** JSON text of the first example; null when there is none. */
  readonly example: string | null;
}

/** The version of the catalogue. */
export async function catalogueVersion(store: Store): Promise<string> {
  const { rows } = await store.pool.query<{ version: string }>('SELECT version FROM event_type_catalogue');
  return rows[0]!.version;
}

/** The catalogue with its version, in one snapshot. */
export async function loadCatalogue(
  store: Store,
): Promise<{ readonly version: string; readonly entries: readonly CatalogueEntry[] }> {
  const { rows } = await store.pool.query<CatalogueEntry & { catalogue: string }>(
    `SELECT c.version AS catalogue, t.name, t.archived, t.feature_flag AS "featureFlag", t.policy,
            CASE WHEN t.enforce THEN v.schema::text END AS "enforcedSchema", (t.examples->0)::text AS example
     FROM event_type_catalogue c
     LEFT JOIN (event_types t JOIN event_type_versions v ON v.event_type = t.name AND v.version = t.version) ON true
     ORDER BY t.name`,
  );
  const entries = rows.filter(({ name }) => name !== null);
  return { version: rows[0]!.catalogue, entries };
}
