/** Deleting an account. */
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AccountDetail } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';

export function DeleteAccount({ account: { id, name } }: { account: AccountDetail }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const remove = useMutation({
    mutationFn: async () => {
      if (typed !== name) throw new Error('That is not its name; type it as it stands above.');
      await unwrap(client.DELETE('/v1/accounts/{id}', { params: { path: { id } } }));
    },
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['accounts'] });
      navigate('/accounts');
    },
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        Delete…
      </Button>
      {asking && (
        <Confirm
          title={`Delete ${name}`}
          action="Delete the account"
          busy={remove.isPending}
          error={null}
          confirm={() => remove.mutate()}
          close={() => setAsking(false)}
        >
          <p>
            Its keys stop working, its subscriptions are deleted and their open deliveries cancelled. This cannot be
            taken back.
          </p>
          <TextInput
            label="Type its name to continue"
            value={typed}
            error={remove.error?.message}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </Confirm>
      )}
    </>
  );
}
