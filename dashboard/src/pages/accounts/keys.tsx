/** The API keys of an account. */
import { useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { may, useSession } from '../../api/session.js';
import type { AccountDetail } from '../../api/shapes.js';
import { KeyList } from '../access/key-list.js';
import type { Scope } from '../access/new-key.js';

export function Keys({ account: { id, keys } }: { account: AccountDetail }) {
  const { client, me } = useSession();
  const cache = useQueryClient();
  return (
    <KeyList
      title="API keys"
      keys={keys}
      scopes={['read', 'operate', 'admin']}
      canChange={may(me, 'admin')}
      add={({ name, scopes, ...choices }) => {
        // The form offers no others.
        const allowed = scopes as Exclude<Scope, 'publish'>[];
        const body = { ...choices, scopes: allowed, ...(name === '' ? {} : { name }) };
        return unwrap(client.POST('/v1/accounts/{id}/keys', { params: { path: { id } }, body }));
      }}
      revoke={(keyId) => unwrap(client.DELETE('/v1/accounts/{id}/keys/{keyId}', { params: { path: { id, keyId } } }))}
      changed={() => cache.invalidateQueries({ queryKey: ['account', id] })}
    >
      A key signs in to this dashboard as the account, and works with the provider’s own client libraries.
    </KeyList>
  );
}
