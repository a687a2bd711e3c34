/** Who changed and commanded what. */
import { Button, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState, type SubmitEvent } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AuditEntry } from '../../api/shapes.js';
import { Identifier } from '../../parts/copy.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { Moment } from '../../parts/time.js';

interface Filter {
  readonly objectId?: string;
  readonly accountId?: string;
  readonly action?: string;
}

const SOURCES: Readonly<Record<AuditEntry['via'], string>> = {
  api: 'API',
  cli: 'command line',
  dashboard: 'dashboard',
  portal: 'customer portal',
  provider: 'provider’s API',
};

export function AuditPage() {
  const { client } = useSession();
  const [filter, setFilter] = useState<Filter>({});
  const list = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      unwrap(client.GET('/v1/audit', { params: { query: { ...filter, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  return (
    <div className="stack">
      <PageHead title="Audit log" />
      <FilterForm set={setFilter} />
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={8} />}
      {rows?.length === 0 && <Empty title="No entry">Nothing like this was changed or commanded.</Empty>}
      {rows && rows.length > 0 && (
        <Table
          caption="Audit log, the newest first"
          head={['Time', 'Key', 'Via', 'Action', 'Object', 'Account', 'Result']}
        >
          {rows.map((entry) => (
            <Row key={entry.id} entry={entry} />
          ))}
        </Table>
      )}
      <Older list={list} />
    </div>
  );
}

function FilterForm({ set }: { set: (filter: Filter) => void }) {
  const [object, setObject] = useState('');
  const [account, setAccount] = useState('');
  const [action, setAction] = useState('');
  function submit(event: SubmitEvent) {
    event.preventDefault();
    set({
      ...(object.trim() !== '' && { objectId: object.trim() }),
      ...(account.trim() !== '' && { accountId: account.trim() }),
      ...(action.trim() !== '' && { action: action.trim() }),
    });
  }
  return (
    <form className="row" onSubmit={submit}>
      <TextInput
        aria-label="Id of an object"
        placeholder="dlv_…, sub_…, key_…"
        value={object}
        onChange={(event) => setObject(event.currentTarget.value)}
      />
      <TextInput
        aria-label="Id of an account"
        placeholder="acc_…"
        value={account}
        onChange={(event) => setAccount(event.currentTarget.value)}
      />
      <TextInput
        aria-label="Part of the action"
        placeholder="/cancel or DELETE"
        value={action}
        onChange={(event) => setAction(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" size="sm">
        Show
      </Button>
    </form>
  );
}

function Row({ entry: { at, keyName, keyId, via, action, objectId, accountId, status } }: { entry: AuditEntry }) {
  return (
    <tr>
      <td>
        <Moment at={at} />
      </td>
      <td>{keyName ?? keyId}</td>
      <td>{SOURCES[via]}</td>
      <td className="mono">{action}</td>
      <td>{objectId !== null && <Identifier value={objectId} />}</td>
      <td>{accountId !== null && <Identifier value={accountId} />}</td>
      <td className="number">{status ?? 'not recorded'}</td>
    </tr>
  );
}
