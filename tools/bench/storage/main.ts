/**
 * `npm run bench -- storage [deliveries] [days]`: what the statements of the product cost on empty tables and on full ones,
 * in blocks of 8 KiB that they touch, which depends on no machine. Starts a PostgreSQL of its own and deletes it again;
 * `KEEP_STORAGE=1` keeps it for a look with other means.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { openDataDir } from '#src/embedded/data-dir.js';
import { startPostgres } from '#src/embedded/postgres.js';
import { createSecretBox } from '#src/store/secret-box.js';
import { openStore, type Store } from '#src/store/store.js';
import { fill, settle } from '../steps/fill.js';
import { output, project } from '../system/folders.js';
import { blocksOf, explaining, nodesOf } from './explain.js';
import { queries } from './queries.js';
import { makeOpen, makeOwner, type Sample } from './sample.js';

const run = promisify(execFile);

/** What one query cost, over all its statements. */
interface Cost {
  readonly blocks: number;
  readonly planningMs: number;
  readonly executionMs: number;
  /** How it came to the rows, by partitioned table. */
  readonly ways: string;
}

async function main(): Promise<void> {
  const [deliveries = 1_000_000, days = 84] = process.argv.slice(2).map(Number);
  const log = { info: console.error, warn: console.error };
  const folder = output('storage');
  const dataDir = await openDataDir(folder);
  const postgres = await startPostgres({ dataDir, log, durable: false });
  await run(process.execPath, [project('dist', 'cli', 'main.js'), 'migrate'], {
    env: { ...process.env, DATABASE_URL: postgres.url },
  });
  const store = openStore({ databaseUrl: postgres.url, box: createSecretBox([randomBytes(32)]) });
  try {
    const owner = await makeOwner(store);
    // A single delivery for each of the days makes the partitions, so that the tables differ in their rows only.
    await fill(postgres.url, days, { days });
    const few = await measure(store, postgres.url, await makeOpen(store, owner));
    const progress = (written: number): void => void process.stderr.write(`\r${written} of ${deliveries}`);
    await fill(postgres.url, deliveries, { days, progress });
    const many = await measure(store, postgres.url, await makeOpen(store, owner));
    console.log(layOut(deliveries, days, few, many));
  } finally {
    await store.pool.end();
    await postgres.stop();
    await dataDir.release();
    if (process.env.KEEP_STORAGE !== '1') await rm(folder, { recursive: true, force: true });
  }
}

async function measure({ box }: Store, databaseUrl: string, sample: Sample): Promise<Map<string, Cost>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await settle(client);
  const costs = new Map<string, Cost>();
  // Writes create dead rows that later reads would have to skip.
  for (const query of [...queries].sort((one, other) => Number(one.writes) - Number(other.writes))) {
    const ask = (asked: Store): Promise<unknown> => query.ask(asked, sample);
    // The second time, so that catalogs are in their caches as on any connection that has been in use.
    await explaining(client, box, true, ask);
    const explained = await explaining(client, box, true, ask);
    const sum = (of: (each: (typeof explained)[number]) => number): number =>
      explained.reduce((total, each) => total + of(each), 0);
    costs.set(query.name, {
      blocks: sum(({ plan }) => blocksOf(plan)),
      planningMs: sum(({ planningMs }) => planningMs),
      executionMs: sum(({ executionMs = 0 }) => executionMs),
      ways: waysOf(explained.flatMap(({ plan }) => nodesOf(plan))),
    });
  }
  await client.end();
  return costs;
}

/** Kinds of scans, with how many partitions each is of. */
function waysOf(nodes: ReturnType<typeof nodesOf>): string {
  const scans = nodes.flatMap((node) => {
    const [, table] = /^(events|event_bodies|deliveries|attempts)_/.exec(node['Relation Name'] ?? '') ?? [];
    return table === undefined || !node['Node Type'].endsWith('Scan') ? [] : [`${node['Node Type']} of ${table}`];
  });
  return [...new Set(scans)].map((way) => `${way} ×${scans.filter((scan) => scan === way).length}`).join(', ');
}

function layOut(
  deliveries: number,
  days: number,
  few: ReadonlyMap<string, Cost>,
  many: ReadonlyMap<string, Cost>,
): string {
  const rows = queries.map(({ name, when }) => {
    const [before, after] = [few.get(name)!, many.get(name)!];
    const ms = `${after.planningMs.toFixed(1)} + ${after.executionMs.toFixed(1)}`;
    return `| ${when} | ${name} | ${before.blocks} | ${after.blocks} | ${ms} | ${after.ways} |`;
  });
  return [
    `${deliveries} deliveries over ${days} days`,
    '',
    '| For each | Statement | Blocks, empty | Blocks, full | ms to plan + run | Scans |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

void main();
