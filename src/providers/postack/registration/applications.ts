/**
 * Applications: the account of the key, and accounts below it. Source: svix-server, src/v1/endpoints/application.rs and
 * src/core/types/mod.rs.
 */
import type { Router } from 'express';
import { z } from 'zod';
import { check } from '../../../http/check.js';
import { deleteAccount, type StoredAccount } from '../../../store/accounts/accounts.js';
import {
  editApplication,
  findApplication,
  isApplicationUidTaken,
  listApplications,
} from '../../../store/accounts/applications.js';
import type { Scope, Settings } from '../contract.js';
import { metadata, uint16 } from '../fields.js';
import { conflict, notFound, svixError } from './errors.js';
import { invalidIterator, readFlag, readPageQuery, toPage } from './paging.js';
import { applicationOf, environmentOf, respondOnce, type Api } from './request.js';

const PATH = '/api/v1/app';

const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !/\p{Cc}/u.test(text), 'must not contain control characters');

const uid = z
  .string()
  .regex(/^(?!app_)[a-zA-Z0-9\-_.]{1,256}$/, 'must be 1 to 256 letters, digits, -, _ and ., not beginning with app_');

const fields = {
  name,
  uid: uid.nullish(),
  rateLimit: uint16.nullish(),
  throttleRate: uint16.nullish(),
  metadata: metadata.nullish(),
};

/** ApplicationIn. Unknown fields are ignored, as in svix-server. */
export const applicationIn = z.object(fields);
type ApplicationIn = z.output<typeof applicationIn>;

const applicationPatch = z.object({ ...fields, name: name.optional() });

/** The id of an application in Svix's API. */
export const appIdOf = ({ scope }: Pick<StoredAccount, 'scope'>): string => (scope as Scope).appId;

export function applicationRoutes(router: Router, api: Api): void {
  const { store } = api.registrar;

  router.get(PATH, async (request, response) => {
    response.json(await list(api, environmentOf(response), request.query));
  });

  router.post(PATH, (request, response) =>
    respondOnce(api, request, response, async () => {
      const environment = environmentOf(response);
      const input = check(applicationIn, request.body);
      if (input.uid != null) {
        const existing = await findApplication(store, environment.id, input.uid);
        if (existing && readFlag(request.query, 'get_if_exists', false)) return { status: 200, body: toOut(existing) };
        if (existing) throw conflict('An application with that id or uid already exists');
      }
      return { status: 201, body: toOut(await createApplication(api, environment, input)) };
    }),
  );

  router.get(`${PATH}/:app_id`, (_request, response) => {
    response.json(toOut(applicationOf(response)));
  });

  router.put(`${PATH}/:app_id`, async (request, response) => {
    const environment = environmentOf(response);
    const input = check(applicationIn, request.body);
    const found = response.locals.application as StoredAccount | undefined;
    const saved = found
      ? await edit(api, environment, found, () => ({ ...input, uid: input.uid ?? null }))
      : await createApplication(api, environment, input);
    response.status(found ? 200 : 201).json(toOut(saved));
  });

  router.patch(`${PATH}/:app_id`, async (request, response) => {
    const patch = check(applicationPatch, request.body);
    const saved = await edit(api, environmentOf(response), applicationOf(response), (former) => ({
      name: patch.name ?? nameOf(former),
      uid: patch.uid === undefined ? former.uid : patch.uid,
      throttleRate: rateOf(patch) === undefined ? settingsOf(former).throttleRate : rateOf(patch),
      metadata: patch.metadata === undefined ? settingsOf(former).metadata : patch.metadata,
    }));
    response.json(toOut(saved));
  });

  router.delete(`${PATH}/:app_id`, async (_request, response) => {
    const application = applicationOf(response);
    // It has the key of this request, and only the operator deletes it.
    if (application.id === environmentOf(response).id)
      throw svixError(403, 'insufficient access', 'The application of the key itself cannot be deleted with it');
    await deleteAccount(store, application.id);
    response.status(204).end();
  });
}

async function list(
  { registrar: { store } }: Api,
  environment: StoredAccount,
  query: Parameters<typeof readPageQuery>[0],
) {
  const pageQuery = readPageQuery(query, /^app_[a-zA-Z0-9]{1,64}$/);
  const { iterator, ascending, limit } = pageQuery;
  const from = iterator === undefined ? undefined : await mustFind(store, environment, iterator);
  const applications = await listApplications(store, environment.id, {
    ...(from ? { from: from.id } : {}),
    ascending,
    limit: limit + 1,
  });
  const { page, ends } = toPage(applications, pageQuery, appIdOf);
  return { data: page.map(toOut), ...ends };
}

async function mustFind(store: Api['registrar']['store'], environment: StoredAccount, appId: string) {
  const found = appId === appIdOf(environment) ? environment : await findApplication(store, environment.id, appId);
  if (!found) throw invalidIterator();
  return found;
}

/** Creates an application with what was given. */
export function createApplication(api: Api, environment: StoredAccount, input: ApplicationIn): Promise<StoredAccount> {
  return api.registrar.createApplication(environment, {
    name: input.name,
    uid: input.uid ?? undefined,
    settings: settingsFrom(input),
  });
}

async function edit(
  { registrar }: Api,
  environment: StoredAccount,
  { id }: StoredAccount,
  edited: (former: StoredAccount) => ApplicationIn,
): Promise<StoredAccount> {
  try {
    const saved = await editApplication(registrar.store, id, (former) => {
      const input = edited(former);
      const isOwn = id === environment.id;
      return {
        name: isOwn ? former.name : input.name,
        uid: input.uid ?? undefined,
        metadata: former.metadata,
        settings: { ...settingsFrom(input), ...(isOwn ? { name: input.name } : {}) },
      };
    });
    if (!saved) throw notFound();
    return saved;
  } catch (error) {
    throw isApplicationUidTaken(error) ? conflict('An application with that id or uid already exists') : error;
  }
}

const settingsOf = ({ settings }: StoredAccount): Settings => settings as Settings;
const nameOf = (account: StoredAccount): string => settingsOf(account).name ?? account.name;

/** The rate, which older clients call `rateLimit`. */
const rateOf = ({ rateLimit, throttleRate }: Pick<ApplicationIn, 'rateLimit' | 'throttleRate'>) =>
  throttleRate === undefined ? rateLimit : throttleRate;

function settingsFrom(input: ApplicationIn): Settings {
  const rate = rateOf(input);
  return {
    ...(rate == null ? {} : { throttleRate: rate }),
    ...(input.metadata == null ? {} : { metadata: input.metadata }),
  };
}

/** ApplicationOut, with the older and the newer names of its fields. */
function toOut(account: StoredAccount) {
  const { throttleRate = null, metadata: given = {} } = settingsOf(account);
  return {
    uid: account.uid ?? null,
    name: nameOf(account),
    rateLimit: throttleRate,
    throttleRate,
    id: appIdOf(account),
    createdAt: account.createdAt,
    updatedAt: account.updatedAt ?? account.createdAt,
    metadata: given,
  };
}
