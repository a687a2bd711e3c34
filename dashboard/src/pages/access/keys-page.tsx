/** Keys of operators. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { KeyList } from './key-list.js';

export function KeysPage() {
  const { client } = useSession();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['keys'],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/keys', { signal })),
  });
  return (
    <div className="stack">
      <PageHead title="Keys" />
      {!data && (error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={4} />)}
      {data && (
        <KeyList
          title="Keys of operators"
          keys={data.data}
          scopes={['publish', 'read', 'operate', 'admin']}
          canChange
          add={(body) => unwrap(client.POST('/v1/keys', { body }))}
          revoke={(id) => unwrap(client.DELETE('/v1/keys/{id}', { params: { path: { id } } }))}
          changed={() => cache.invalidateQueries({ queryKey: ['keys'] })}
        >
          Beside the admin key of the settings, which may do everything and is not listed. Keys of accounts are on the
          accounts’ pages.
        </KeyList>
      )}
    </div>
  );
}
