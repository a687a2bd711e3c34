/** The floor of accepting for good: a row per event, each in a commit of its own. */
import { Pool } from 'pg';
import type { Adapter, CreateAdapter } from './types.js';

/** As many connections as Pigeonpost has. */
const CONNECTIONS = 20;

export const createAdapter: CreateAdapter = async ({ databaseUrl }): Promise<Adapter> => {
  const pool = new Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  return {
    async setUp() {
      await pool.query('DROP TABLE IF EXISTS bench_commits; CREATE TABLE bench_commits (n integer, data text)');
    },
    async emit(events) {
      const values = [events.map(({ data }) => data.n), events.map(({ data }) => JSON.stringify(data))];
      await pool.query({
        name: 'commit',
        text: 'INSERT INTO bench_commits SELECT * FROM unnest($1::integer[], $2::text[])',
        values,
      });
    },
    close: () => pool.end(),
  };
};
