/**
 * What needs attention now: failing and disabled subscriptions, open circuit breakers, missed events, and deliveries that
 * nothing sends.
 */
import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Attention as Found } from '../../api/shapes.js';
import { count, counted } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { listAddress } from '../deliveries/filters.js';

/** How often it is renewed, in milliseconds. */
const RENEW_MS = 10_000;

export function Attention({ accountId }: { accountId: string | undefined }) {
  const { client } = useSession();
  const { data } = useQuery({
    queryKey: ['attention', accountId],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/attention', { params: { query: { accountId } }, signal })),
    refetchInterval: RENEW_MS,
  });
  if (!data) return null;
  const { failing, disabled, breakers, ownerless, unreconciled } = data;
  const isQuiet = failing.total === 0 && disabled.total === 0 && breakers.total === 0;
  const isCalm = isQuiet && !ownerless && !unreconciled;
  return (
    <Section title="Needs attention" beside={<span className="muted">{summary(data)}</span>}>
      {isCalm && <p>Nothing: no receiver fails, and none was disabled because of it.</p>}
      {ownerless !== null && ownerless > 0 && (
        <Alert
          color="red"
          variant="light"
          role="note"
          title={`${counted(ownerless, 'delivery', 'deliveries')} without an owner`}
        >
          Neither a workflow nor a sender has had them for a minute. Check that a worker runs and that Temporal
          responds: <code>pigeonpost doctor</code>.
        </Alert>
      )}
      {unreconciled !== null && unreconciled > 0 && (
        <Alert
          color="red"
          variant="light"
          role="note"
          title={`${counted(unreconciled, 'delivery', 'deliveries')} without a running workflow`}
        >
          PostgreSQL and Temporal do not match, as after a restore of one of them. See what does not match:{' '}
          <code>pigeonpost reconcile</code>.
        </Alert>
      )}
      {!isQuiet && (
        <Table
          caption="Receivers that need attention"
          head={['Receiver', 'Account', 'What', 'Since', 'Waiting', 'Missed', 'Action']}
          numbers={['Waiting', 'Missed']}
        >
          {failing.items.map((item) => (
            <FailingRow key={item.subscriptionId} item={item} />
          ))}
          {breakers.items.map((item) => (
            <BrokenRow key={`breaker-${item.subscriptionId}`} item={item} />
          ))}
          {disabled.items.map((item) => (
            <DisabledRow key={item.subscriptionId} item={item} />
          ))}
        </Table>
      )}
    </Section>
  );
}

function FailingRow({ item }: { item: Found['failing']['items'][number] }) {
  return (
    <tr>
      <Receiver item={item} />
      <td>fails, {counted(item.failures, 'attempt')} in a row</td>
      <td>
        <Ago at={item.failingSince} />
      </td>
      <td data-number>
        <Link href={listAddress({ subscriptionId: item.subscriptionId, state: 'retrying' })}>{upTo(item.waiting)}</Link>
      </td>
      <td data-number>–</td>
      <td>
        <Act id={item.subscriptionId} />
      </td>
    </tr>
  );
}

function BrokenRow({ item }: { item: Found['breakers']['items'][number] }) {
  return (
    <tr>
      <Receiver item={item} />
      <td>
        circuit breaker open: {count(item.failures)} of {counted(item.attempts, 'attempt')} had failed
      </td>
      <td>
        <Ago at={item.openedAt} />
      </td>
      <td data-number>
        <Link href={listAddress({ subscriptionId: item.subscriptionId, state: 'paused' })}>{upTo(item.waiting)}</Link>
      </td>
      <td data-number>–</td>
      <td>
        <Button size="compact-xs" variant="default" component={Link} href={`/subscriptions/${item.subscriptionId}`}>
          Look…
        </Button>
      </td>
    </tr>
  );
}

function DisabledRow({ item }: { item: Found['disabled']['items'][number] }) {
  return (
    <tr>
      <Receiver item={item} />
      <td>disabled: {item.disabledReason}</td>
      <td>{item.disabledAt ? <Ago at={item.disabledAt} /> : '–'}</td>
      <td data-number>
        <Link href={listAddress({ subscriptionId: item.subscriptionId, state: 'paused' })}>{upTo(item.waiting)}</Link>
      </td>
      <td data-number>
        {count(item.missed)}
        {item.moreMissed && '+'}
      </td>
      <td>
        <Act id={item.subscriptionId} />
      </td>
    </tr>
  );
}

function Receiver({
  item: { subscriptionId, accountId, accountName, url },
}: {
  item: Pick<Found['failing']['items'][number], 'subscriptionId' | 'accountId' | 'accountName' | 'url'>;
}) {
  const { me } = useSession();
  return (
    <>
      <td>
        <Link href={`/subscriptions/${subscriptionId}`}>{url}</Link>
      </td>
      <td>{me.account ? accountName : <Link href={`/accounts/${accountId}`}>{accountName}</Link>}</td>
    </>
  );
}

function Act({ id }: { id: string }) {
  return (
    <Button size="compact-xs" variant="default" component={Link} href={`/subscriptions/${id}`}>
      Recover…
    </Button>
  );
}

function summary({ failing, disabled, breakers, ownerless }: Found): string {
  return [
    `${count(failing.total)} failing`,
    `${count(disabled.total)} disabled`,
    `${counted(breakers.total, 'circuit breaker')} open`,
    ...(ownerless === null ? [] : [`${count(ownerless)} without an owner`]),
  ].join(', ');
}

/** Waiting deliveries are counted up to 1,000. */
function upTo(waiting: number): string {
  return waiting >= 1_000 ? '1,000+' : count(waiting);
}
