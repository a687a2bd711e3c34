/** Event types of the account: svix-server, src/v1/endpoints/event_type.rs, and codegen/lib-openapi.json. */
import type { Request, Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import {
  deleteAccountEventType,
  findAccountEventType,
  listAccountEventTypes,
  MAX_ACCOUNT_EVENT_TYPES,
  saveAccountEventTypes,
  TooManyEventTypes,
  type AccountEventType,
  type AccountEventTypeChange,
  type AccountEventTypeFields,
} from '../../../store/event-types/account-event-types.js';
import type { StoredAccount } from '../../../store/accounts/accounts.js';
import { EVENT_TYPE } from '../events.js';
import { conflict, notFound, svixError, validationError } from './errors.js';
import { eventType } from './message-input.js';
import { readFlag, readPageQuery, toPage } from './paging.js';
import { environmentOf, respondOnce, type Api } from './request.js';

const PATH = '/api/v1/event-type';

/** Maximum size of the schemas of one event type as JSON text, in bytes. */
const MAX_SCHEMAS_BYTES = 64 * 1_024;

const fields = {
  description: z.string().max(10_000),
  archived: z.boolean().nullish(),
  deprecated: z.boolean().nullish(),
  schemas: z
    .record(z.string().max(256), z.unknown())
    .refine((schemas) => Buffer.byteLength(JSON.stringify(schemas)) <= MAX_SCHEMAS_BYTES, {
      error: `must be at most ${MAX_SCHEMAS_BYTES} bytes of JSON`,
    })
    .nullish(),
  groupName: eventType.nullish(),
  featureFlag: eventType.nullish(),
  featureFlags: z.array(eventType).min(1).max(50).nullish(),
};
const eventTypeUpdate = z.object(fields);
const eventTypeIn = eventTypeUpdate.extend({ name: eventType });
const eventTypePatch = eventTypeUpdate.extend({ description: fields.description.optional() });
type Update = z.output<typeof eventTypeUpdate>;

const importIn = z.object({
  dryRun: z.boolean().nullish(),
  replaceAll: z.boolean().nullish(),
  spec: z.record(z.string(), z.unknown()).nullish(),
  specRaw: z.string().nullish(),
});

export function eventTypeRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;

  router.get(PATH, async (request, response) => {
    const { query } = request;
    const pageQuery = readPageQuery(query, EVENT_TYPE, 'ascending');
    const { iterator, ascending, limit } = pageQuery;
    const withContent = readFlag(query, 'with_content', false);
    const eventTypes = await listAccountEventTypes(store, environmentOf(response).id, {
      withArchived: readFlag(query, 'include_archived', false),
      ...(iterator === undefined ? {} : { from: iterator }),
      ascending,
      limit: limit + 1,
    });
    const { page, ends } = toPage(eventTypes, pageQuery, ({ name }) => name);
    response.json({ data: page.map((each) => toOut(each, withContent)), ...ends });
  });

  router.post(PATH, (request, response) =>
    respondOnce(api, request, response, async () => {
      const { name, ...given } = check(eventTypeIn, request.body);
      const saved = await saveOne(api, environmentOf(response), name, (former) => {
        if (former && !former.archived) throw conflict('An event_type with that name already exists');
        return complete(given);
      });
      return { status: 201, body: toOut(saved, true) };
    }),
  );

  importRoute(router, api);

  router.get(`${PATH}/:name`, async (request, response) => {
    const found = await findAccountEventType(store, environmentOf(response).id, nameOf(request));
    if (!found) throw notFound();
    response.json(toOut(found, true));
  });

  router.put(`${PATH}/:name`, async (request, response) => {
    const given = check(eventTypeUpdate, request.body);
    let isNew = false;
    const saved = await saveOne(api, environmentOf(response), nameOf(request), (former) => {
      isNew = former === undefined;
      return complete(given);
    });
    response.status(isNew ? 201 : 200).json(toOut(saved, true));
  });

  router.patch(`${PATH}/:name`, async (request, response) => {
    const patch = check(eventTypePatch, request.body);
    const saved = await saveOne(api, environmentOf(response), nameOf(request), (former) => {
      if (!former) throw notFound();
      return patched(former, patch);
    });
    response.json(toOut(saved, true));
  });

  router.delete(`${PATH}/:name`, async (request, response) => {
    const { id } = environmentOf(response);
    const name = nameOf(request);
    if (readFlag(request.query, 'expunge', false)) {
      if (!(await deleteAccountEventType(store, id, name))) throw notFound();
    } else {
      await saveOne(api, environmentOf(response), name, (former) => {
        if (!former) throw notFound();
        return { ...former, archived: true };
      });
    }
    response.status(204).end();
  });
}

/** Creates and changes event types as the webhooks of an OpenAPI document describe them. */
function importRoute(router: Router, api: Api): void {
  router.post(`${PATH}/import/openapi`, (request, response) =>
    respondOnce(api, request, response, async () => {
      const { dryRun, replaceAll, spec, specRaw } = check(importIn, request.body);
      const described = api.registrar.readWebhooks(documentOf(spec ?? parse(specRaw)));
      const eventTypes = described.map((webhook) => {
        const loc = ['body', 'spec', 'webhooks', webhook.name];
        if (!EVENT_TYPE.test(webhook.name)) throw validationError(loc, 'must be 1 to 256 letters, digits, -, _ and .');
        if (!('fields' in webhook)) throw validationError(loc, `${webhook.path}: ${webhook.message}`);
        const { description = '', group, schema } = webhook.fields;
        const groupName = group != null && EVENT_TYPE.test(group) ? group : null;
        return { name: webhook.name, given: { description, groupName, schemas: schema ? { 1: schema } : null } };
      });
      const modified = eventTypes.map(({ name }) => name);
      const toModify = eventTypes.map(({ name, given }) => ({ name, ...given, deprecated: false, featureFlags: null }));
      if (dryRun) return { status: 200, body: { data: { modified, toModify } } };
      await save(
        api,
        environmentOf(response),
        eventTypes.map(({ name, given }) => ({ name, fields: (former) => imported(former, given) })),
        replaceAll ?? false,
      );
      return { status: 200, body: { data: { modified } } };
    }),
  );
}

function parse(specRaw: string | null | undefined): unknown {
  const loc = ['body', 'specRaw'];
  if (specRaw == null) throw validationError(['body', 'spec'], 'is missing');
  try {
    return JSON.parse(specRaw);
  } catch {
    throw validationError(loc, 'must be JSON; convert a document in YAML first');
  }
}

/** An OpenAPI 3.1 document with what the given one has, in whatever version, as `webhooks` or `x-webhooks`. */
function documentOf(spec: unknown): unknown {
  if (typeof spec !== 'object' || spec === null) throw validationError(['body', 'spec'], 'must be an object');
  const { webhooks, 'x-webhooks': extension, ...rest } = spec as Record<string, unknown>;
  return { ...rest, openapi: '3.1.0', webhooks: webhooks ?? extension ?? {} };
}

async function saveOne(
  api: Api,
  environment: StoredAccount,
  name: string,
  change: AccountEventTypeChange['fields'],
): Promise<AccountEventType> {
  const [saved] = await save(api, environment, [{ name, fields: change }]);
  return saved!;
}

async function save(
  { registrar: { store } }: Api,
  { id }: StoredAccount,
  changes: readonly AccountEventTypeChange[],
  archiveOthers = false,
): Promise<AccountEventType[]> {
  try {
    return await saveAccountEventTypes(store, id, changes, { archiveOthers });
  } catch (error) {
    if (!(error instanceof TooManyEventTypes)) throw error;
    throw svixError(
      400,
      'limit_reached',
      `There can be ${MAX_ACCOUNT_EVENT_TYPES} event types, archived ones included`,
    );
  }
}

/** The name in the path. */
function nameOf({ params }: Request): string {
  const { name } = params;
  if (typeof name !== 'string' || !EVENT_TYPE.test(name)) throw notFound();
  return name;
}

function complete({ description, archived, deprecated, schemas, groupName, ...flags }: Update): AccountEventTypeFields {
  return {
    description,
    archived: archived ?? false,
    deprecated: deprecated ?? false,
    schemas: schemas ?? null,
    groupName: groupName ?? null,
    featureFlags: flagsOf(flags) ?? null,
  };
}

/** The fields after an import, which unarchives. */
function imported(
  former: AccountEventType | undefined,
  given: Pick<AccountEventTypeFields, 'description' | 'groupName' | 'schemas'>,
): AccountEventTypeFields {
  const { deprecated = false, featureFlags = null } = former ?? {};
  return { ...given, archived: false, deprecated, featureFlags };
}

/** The fields after a patch: what it does not name stays. */
function patched(former: AccountEventType, patch: z.output<typeof eventTypePatch>): AccountEventTypeFields {
  const flags = flagsOf(patch);
  return {
    description: patch.description ?? former.description,
    archived: patch.archived ?? former.archived,
    deprecated: patch.deprecated ?? former.deprecated,
    schemas: patch.schemas === undefined ? former.schemas : patch.schemas,
    groupName: patch.groupName === undefined ? former.groupName : patch.groupName,
    featureFlags: flags === undefined ? former.featureFlags : flags,
  };
}

/** The flags, of which older clients have one, called `featureFlag`. */
function flagsOf({ featureFlag, featureFlags }: Pick<Update, 'featureFlag' | 'featureFlags'>) {
  if (featureFlags !== undefined) return featureFlags;
  return featureFlag == null ? featureFlag : [featureFlag];
}

/** EventTypeOut; lists have schemas only with `with_content`. */
function toOut(eventType: AccountEventType, withContent: boolean) {
  const { name, description, archived, deprecated, schemas, groupName, featureFlags, createdAt, updatedAt } = eventType;
  return {
    name,
    description,
    archived,
    deprecated,
    schemas: withContent ? schemas : null,
    groupName,
    featureFlag: featureFlags?.[0] ?? null,
    featureFlags,
    createdAt,
    updatedAt,
  };
}
