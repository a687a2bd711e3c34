/** The schema of a new database. */
import { migrate } from '../../../src/store/migrate.js';
import { listPartitions } from '../../../src/store/partitions.js';
import { openEmptyDatabase, type TestDatabase } from '../../support/database.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await openEmptyDatabase();
});
afterEach(() => database.close());

test('has partitions for the next weeks after the migration', async () => {
  expect(await migrate(database.url)).toEqual([
    '0001_initial',
    '0002_event_types',
    '0003_filters',
    '0004_consumers',
    '0005_timing',
    '0006_account_workflows',
    '0007_policies',
    '0008_ordering',
    '0010_erasure',
    '0011_breakers',
    '0012_callbacks',
    '0013_broadcasts',
    '0014_sealed_payloads',
    '0015_batches',
    '0016_applications',
    '0017_environments',
    '0018_subscription_hosts',
    '0020_jobs',
    '0022_keys',
    '0023_sessions',
    '0024_audit',
    '0025_portal_links',
    '0026_alerts',
    '0027_oidc',
    '0028_reconciliation',
  ]);
  const partitions = await listPartitions(database.store.pool);
  const tables = new Set(partitions.map(({ table }) => table));
  expect([...tables].sort()).toEqual(['attempts', 'deliveries', 'event_bodies', 'events', 'messages']);
  expect(await migrate(database.url)).toEqual([]);
});

test('attaches every index of a partition to one of the partitioned table', async () => {
  await migrate(database.url);
  const { rows } = await database.store.pool.query(
    `SELECT t.relname AS name FROM pg_index i
     JOIN pg_class t ON t.oid = i.indrelid AND t.relispartition
     LEFT JOIN pg_inherits p ON p.inhrelid = i.indexrelid WHERE p.inhparent IS NULL`,
  );
  expect(rows).toEqual([]);
});
