/** All accounts, for an operator. */
import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useContracts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import { Identifier } from '../../parts/copy.js';
import { useFilters } from '../../parts/filters.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Rows } from '../../parts/rows.js';
import { SearchField } from '../../parts/search-field.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { NewAccount } from './new-account.js';

export function AccountsPage() {
  const { client } = useSession();
  const contracts = useContracts().data ?? [];
  const { given, set } = useFilters();
  const q = given('q');
  const [creating, setCreating] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ['accounts', 'pages', q],
    queryFn: ({ pageParam, signal }) =>
      unwrap(client.GET('/v1/accounts', { params: { query: { q, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  return (
    <div className="stack">
      <PageHead title="Accounts">
        <Button size="xs" disabled={contracts.length === 0} onClick={() => setCreating(true)}>
          New account
        </Button>
      </PageHead>
      {creating && <NewAccount contracts={contracts} close={() => setCreating(false)} />}
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={6} />}
      <div className="row">
        <SearchField label="Name or id" value={q} set={(value) => set('q', value)} />
      </div>
      {rows?.length === 0 && q !== undefined && <Empty title="No account of that name or id" />}
      {rows?.length === 0 && q === undefined && (
        <Empty title="No accounts yet">
          An account is a customer under one provider’s contract. Create the first one.
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <Table caption="Accounts, the newest first" head={['Name', 'Provider', 'Own id', 'Id', 'Created']}>
          <Rows
            rows={rows}
            columns={5}
            render={({ id, name, provider, externalId, createdAt }, place) => (
              <tr key={id} {...place}>
                <td>
                  <Link href={`/accounts/${id}`}>{name}</Link>
                </td>
                <td>{contracts.find((contract) => contract.provider === provider)?.title ?? provider}</td>
                <td>{externalId ?? '–'}</td>
                <td>
                  <Identifier value={id} />
                </td>
                <td>
                  <Ago at={createdAt} />
                </td>
              </tr>
            )}
          />
        </Table>
      )}
      <Older list={list} />
    </div>
  );
}
