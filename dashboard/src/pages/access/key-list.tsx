/** Keys of operators or of an account: what each may do, when it was last used, and a button to revoke it. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { ApiKey } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { Ago, Moment } from '../../parts/time.js';
import { KeyShownOnce } from '../accounts/key-shown-once.js';
import { NewKey, type KeyChoices, type Scope } from './new-key.js';

interface Props {
  readonly title: string;
  readonly keys: readonly ApiKey[];
  /** Scopes that a new key can have. */
  readonly scopes: readonly Scope[];
  /** Whether keys can be added and revoked. */
  readonly canChange: boolean;
  readonly add: (choices: KeyChoices) => Promise<{ readonly apiKey: string }>;
  readonly revoke: (id: string) => Promise<unknown>;
  /** Called after a change. */
  readonly changed: () => Promise<unknown>;
  readonly children: ReactNode;
}

export function KeyList({ title, keys, scopes, canChange, add, revoke, changed, children }: Props) {
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const adding = useMutation({
    mutationFn: add,
    onSuccess: () => {
      setCreating(false);
      return changed();
    },
  });
  const ending = useMutation({
    mutationFn: revoke,
    onSuccess: async () => {
      setRevoking(null);
      await changed();
    },
  });
  return (
    <Section
      title={title}
      beside={
        canChange && (
          <Button size="xs" variant="default" onClick={() => setCreating(true)}>
            Add a key
          </Button>
        )
      }
    >
      <p className="muted">{children}</p>
      {creating && (
        <NewKey
          scopes={scopes}
          busy={adding.isPending}
          error={adding.error}
          create={(choices) => adding.mutate(choices)}
          close={() => {
            adding.reset();
            setCreating(false);
          }}
        />
      )}
      {adding.data && <KeyShownOnce title="Key added" apiKey={adding.data.apiKey} close={() => adding.reset()} />}
      {ending.error && !revoking && <Failure error={ending.error} />}
      <KeyTable caption={title} keys={keys} canChange={canChange} revoke={setRevoking} />
      {revoking && (
        <Confirm
          title="Revoke a key"
          action="Revoke it"
          busy={ending.isPending}
          error={ending.error}
          confirm={() => ending.mutate(revoking.id)}
          close={() => setRevoking(null)}
        >
          <p>
            Whatever uses the key {revoking.name === null ? '' : `“${revoking.name}” `}that ends in{' '}
            <code>{revoking.hint}</code> stops working at once, and so do sessions that were made with it.
          </p>
        </Confirm>
      )}
    </Section>
  );
}

interface TableProps extends Pick<Props, 'keys' | 'canChange'> {
  readonly caption: string;
  readonly revoke: (key: ApiKey) => void;
}

function KeyTable({ caption, keys, canChange, revoke }: TableProps) {
  return (
    <Table caption={caption} head={['Name', 'Ends in', 'May', 'Created', 'Last used', 'Expires', 'Revoke']}>
      {keys.map((key) => (
        <tr key={key.id}>
          <td>{key.name ?? <span className="muted">no name</span>}</td>
          <td className="mono">…{key.hint}</td>
          <td>{key.scopes.join(', ')}</td>
          <td>
            <Moment at={key.createdAt} />
          </td>
          <td>{key.lastUsedAt === null ? <span className="muted">never</span> : <Ago at={key.lastUsedAt} />}</td>
          <td>{key.expiresAt === null ? <span className="muted">never</span> : <Moment at={key.expiresAt} />}</td>
          <td>
            {canChange && (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`Revoke the key that ends in ${key.hint}`}
                onClick={() => revoke(key)}
              >
                Revoke…
              </Button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
