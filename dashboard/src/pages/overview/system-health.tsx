/** Whether everything is there that deliveries need; for operators. */
import { Badge } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';

/** How often it is renewed, in milliseconds. */
const RENEW_MS = 10_000;

const DATABASE_TEXTS = { ok: 'responds', unavailable: 'does not respond', not_writable: 'rejects writes' } as const;
const TEMPORAL_TEXTS = {
  ok: 'responds',
  unavailable: 'does not respond',
  namespace_missing: 'lacks the namespace',
} as const;

export function SystemHealth() {
  const { client } = useSession();
  const { data, isError } = useQuery({
    queryKey: ['health'],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/health', { signal })),
    refetchInterval: RENEW_MS,
  });
  // What was true before is not said to be so now.
  if (!data || isError) return null;
  const { database, schema, temporal, workers } = data;
  return (
    <ul className="row" aria-label="Health of the system" style={{ listStyle: 'none', margin: 0, padding: 0 }}>
      <Part well={database === 'ok'}>PostgreSQL {DATABASE_TEXTS[database]}</Part>
      {schema === 'outdated' && <Part well={false}>Migrations are missing</Part>}
      <Part well={temporal === 'ok'}>Temporal {TEMPORAL_TEXTS[temporal]}</Part>
      {workers !== null && <Part well={workers > 0}>{workersText(workers)}</Part>}
    </ul>
  );
}

function workersText(workers: number): string {
  if (workers === 0) return 'No worker: nothing is delivered';
  return workers === 1 ? '1 worker' : `${workers} workers`;
}

function Part({ well, children }: { well: boolean; children: ReactNode }) {
  return (
    <li>
      <Badge variant="dot" color={well ? 'green' : 'red'} tt="none" fw={500}>
        {children}
      </Badge>
    </li>
  );
}
