/**
 * `npm run bench -- lists [deliveries] [accounts]`: how long every list and report of the API takes with full tables, over
 * HTTP. A tenth of the deliveries belongs to one account, the others are spread over the rest. Starts a PostgreSQL, a Temporal
 * and an API of its own, and deletes their data; `KEEP_LISTS=1` keeps it, and uses what it has kept before.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { errorMessage } from '#src/lib/errors.js';
import { fill } from '../steps/fill.js';
import { output } from '../system/folders.js';
import { commonHost, findAccounts, hostOf, makeAccounts } from './accounts.js';
import { get, LIMIT_MS, measure, missingLists, post, type Caller, type Measured } from './measure.js';
import { requestsOf, type ListRequest, type Subjects } from './requests.js';
import { startListServer, type ListServer } from './server.js';
import { makeStates } from './states.js';
import type { Owner } from '../steps/fill.js';

const DAYS = 30;
/** Percentage of the deliveries that belongs to the first account. */
const OF_FIRST_PERCENT = 10;
/** A small account among those whose subscription is enabled and responds. */
const SMALL = 41;
/** A recovery in the background, so that there is one to list. */
const RECOVERY = { from: new Date(Date.now() - 3_600_000).toISOString(), states: ['failed'] };

async function main(): Promise<void> {
  const [deliveries = 1_000_000, accounts = 10_000] = process.argv.slice(2).map(Number);
  const folder = output('lists');
  const keeps = process.env.KEEP_LISTS === '1';
  if (!keeps) await rm(folder, { recursive: true, force: true });
  const isFilled = existsSync(folder);
  const server = await startListServer(folder);
  try {
    const caller = { url: await server.startApi(), key: server.adminKey };
    const owners = isFilled ? await findAccounts(server.store) : await prepare(server, caller, deliveries, accounts);
    const subjects = await subjectsOf(server, caller, owners);
    const requests = requestsOf(subjects);
    const missing = await missingLists(caller, requests);
    if (missing.length > 0) throw new Error(`not measured: ${missing.join(', ')}`);
    const all = await measureAll(caller, requests);
    const portal = await measureAll(await portalOf(caller, subjects), ofPortal(requests, subjects));
    console.log(layOut(`${deliveries} deliveries of ${accounts} accounts`, all));
    console.log(`\n${layOut('The customer portal of the large account', portal)}`);
    const slow = [...all, ...portal].filter(({ medianMs }) => medianMs > LIMIT_MS);
    console.log(`\n${slow.length} of ${all.length + portal.length} take more than ${LIMIT_MS} ms`);
  } finally {
    await server.stop();
    if (!keeps) await rm(folder, { recursive: true, force: true });
  }
  // Connections that are kept alive would keep the process.
  process.exit();
}

/** Fills the database. */
async function prepare(
  server: ListServer,
  caller: Caller,
  deliveries: number,
  accounts: number,
): Promise<readonly Owner[]> {
  const owners = await makeAccounts(server.store, accounts);
  const progress = (written: number): void => void process.stderr.write(`\r${written} of ${deliveries}`);
  await fill(server.databaseUrl, deliveries, { days: DAYS, owners, ofFirstPercent: OF_FIRST_PERCENT, progress });
  await post(caller, '/v1/alert-rules', {
    name: 'Failing',
    condition: 'subscription_failing',
    target: { kind: 'slack', url: 'https://chat.example.com/hook' },
    enabled: false,
  });
  await makeStates(server.databaseUrl, owners[0]!);
  await post(caller, `/v1/subscriptions/${owners[0]!.subscriptionId}/recover`, RECOVERY);
  return owners;
}

async function subjectsOf({ store }: ListServer, caller: Caller, owners: readonly Owner[]): Promise<Subjects> {
  const middle = async (table: string): Promise<string> => {
    const { rows } = await store.pool.query<{ id: string }>(
      `SELECT id FROM ${table} ORDER BY id OFFSET (SELECT count(*) / 10 FROM ${table}) LIMIT 1`,
    );
    return Buffer.from(rows[0]!.id).toString('base64url');
  };
  const { data } = (await get(caller, `/v1/deliveries?accountId=${owners[SMALL]!.accountId}&limit=1`)) as {
    data: readonly { id: string; eventId: string }[];
  };
  return {
    large: owners[0]!,
    small: owners[SMALL]!,
    provider: owners[0]!.provider,
    commonHost,
    rareHost: hostOf(SMALL),
    eventId: data[0]!.eventId,
    deliveryId: data[0]!.id,
    lateAccounts: await middle('accounts'),
    lateDeliveries: await middle('deliveries'),
    lateEvents: await middle('events'),
  };
}

/** A customer of the large account with a link to the portal. */
async function portalOf(operator: Caller, { large }: Subjects): Promise<Caller> {
  const { token } = await post(operator, `/v1/accounts/${large.accountId}/portal-links`, {});
  return { url: operator.url, key: token! };
}

/** What the portal requests, of its own account without naming it. */
function ofPortal(requests: readonly ListRequest[], { large, small }: Subjects): ListRequest[] {
  const paths = ['/v1/deliveries', '/v1/events', '/v1/subscriptions', '/v1/overview', '/v1/attention'];
  const texts = (request: ListRequest): string => JSON.stringify(request);
  return requests.filter(
    (request) =>
      paths.includes(request.path) &&
      ![large.accountId, small.accountId, small.subscriptionId].some((id) => texts(request).includes(id)),
  );
}

async function measureAll(caller: Caller, requests: readonly ListRequest[]): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const request of requests) {
    try {
      measured.push(await measure(caller, request));
    } catch (error) {
      console.error(`not measured: ${errorMessage(error)}`);
      process.exitCode = 1;
    }
  }
  return measured;
}

function layOut(title: string, measured: readonly Measured[]): string {
  const rows = measured.map(({ request: { path, about }, items, ...took }) => {
    const ms = [took.firstMs, took.medianMs, took.slowestMs].map((each) => each.toFixed(0)).join(' | ');
    return `| ${path} | ${about} | ${items ?? ''} | ${ms} |${took.medianMs > LIMIT_MS ? ' !' : ''}`;
  });
  return [
    title,
    '',
    '| List | Of what | Items | First, ms | Median, ms | Slowest, ms |',
    '| --- | --- | --: | --: | --: | --: |',
    ...rows,
  ].join('\n');
}

void main();
