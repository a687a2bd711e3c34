import './global-resolve';
import { stopSharedPostgres } from './shared-postgres.js';

/** Runs once after the tests of each tier that uses PostgreSQL. */
export default function globalTeardown(): Promise<void> {
  return stopSharedPostgres();
}
