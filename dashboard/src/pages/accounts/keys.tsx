/** The API keys of an account. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AccountDetail } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { Moment } from '../../parts/time.js';
import { KeyShownOnce } from './key-shown-once.js';

export function Keys({ account: { id, keys } }: { account: AccountDetail }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [revoking, setRevoking] = useState<AccountDetail['keys'][number] | null>(null);
  const renew = () => cache.invalidateQueries({ queryKey: ['account', id] });
  const add = useMutation({
    mutationFn: () => unwrap(client.POST('/v1/accounts/{id}/keys', { params: { path: { id } } })),
    onSuccess: renew,
  });
  const revoke = useMutation({
    mutationFn: (keyId: string) =>
      unwrap(client.DELETE('/v1/accounts/{id}/keys/{keyId}', { params: { path: { id, keyId } } })),
    onSuccess: async () => {
      setRevoking(null);
      await renew();
    },
  });
  return (
    <Section
      title="API keys"
      beside={
        <Button size="xs" variant="default" loading={add.isPending} onClick={() => add.mutate()}>
          Add a key
        </Button>
      }
    >
      <p className="muted">
        A key signs in to this dashboard as the account, and works with the provider’s own client libraries.
      </p>
      {add.error && <Failure error={add.error} />}
      {add.data && <KeyShownOnce title="Key added" apiKey={add.data.apiKey} close={() => add.reset()} />}
      <Table caption="API keys" head={['Ends in', 'Created', 'Revoke']}>
        {keys.map((key) => (
          <tr key={key.id}>
            <td className="mono">…{key.hint}</td>
            <td>
              <Moment at={key.createdAt} />
            </td>
            <td>
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`Revoke the key that ends in ${key.hint}`}
                onClick={() => setRevoking(key)}
              >
                Revoke…
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {revoking && (
        <Confirm
          title="Revoke a key"
          action="Revoke it"
          busy={revoke.isPending}
          error={revoke.error}
          confirm={() => revoke.mutate(revoking.id)}
          close={() => setRevoking(null)}
        >
          <p>
            Whatever uses the key that ends in <code>{revoking.hint}</code> stops working at once.
          </p>
        </Confirm>
      )}
    </Section>
  );
}
