/** `pigeonpost find`: one search for everything. */
import type { Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { time, wholeNumber } from '../arguments.js';
import { apiCommand, openContext, type CommonOptions } from '../context.js';
import { deliveryHeads, deliveryRow } from '../delivery-text.js';
import { table, when, type Cell } from '../output.js';
import type { Paint, Terminal } from '../terminal.js';

type Found = components['schemas']['SearchResults'];

interface FindOptions extends CommonOptions {
  readonly account?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
}

export function findCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'find <text>', 'Find by any id, or a part of an event type, URL, name or payload')
    .option('--account <account>', 'only what belongs to this account')
    .option('--from <time>', 'only payloads accepted since, such as 2026-11-21T14:00:00Z or 2h', time)
    .option('--to <time>', 'only payloads accepted before this time, or so long ago', time)
    .option('--limit <number>', 'how many of each kind', wholeNumber(1, 50), 10)
    .action(async (q: string, { account, from, to, limit, ...options }: FindOptions) => {
      const { client, print } = await openContext(terminal, options);
      const query = { q, accountId: account, from, to, limit };
      const found = await unwrap(client.GET('/v1/search', { params: { query } }));
      print(found, (paint) => text(found, paint));
    });
}

function text(found: Found, paint: Paint): string {
  const { accounts, subscriptions, hosts, eventTypes, events, deliveries, searched } = found;
  const parts = [
    part(
      deliveryHeads,
      deliveries.map((delivery) => deliveryRow(delivery, paint)),
    ),
    part(
      ['Event', 'Event type', 'Delivered', 'Failed', 'Cancelled', 'Open', 'Accepted', 'Account'],
      events.map(({ id, type, deliveries: { delivered, failed, cancelled, open }, createdAt, accountName }) => [
        ...[id, type, delivered, failed, cancelled, open, when(createdAt), accountName],
      ]),
    ),
    part(
      ['Subscription', 'Receiver', 'Account'],
      subscriptions.map(({ id, url, accountName }) => [id, url, accountName]),
    ),
    part(
      ['Account', 'Provider', 'Name', 'Own id'],
      accounts.map(({ id, provider, name, externalId }) => [id, provider, name, externalId]),
    ),
    part(
      ['Host', 'Subscriptions'],
      hosts.map(({ host, subscriptions: count }) => [host, count]),
    ),
    part(
      ['Event type'],
      eventTypes.map((type) => [type]),
    ),
  ].filter((each) => each !== '');
  const reach = searched ? [howFar(searched)] : [];
  return [...(parts.length > 0 ? parts : ['Nothing found.']), ...reach].join('\n\n');
}

function part(heads: readonly string[], rows: readonly Cell[][]): string {
  return rows.length === 0 ? '' : table(heads, rows);
}

function howFar({ events, since }: NonNullable<Found['searched']>): string {
  const read = `${events} ${events === 1 ? 'event' : 'events'}`;
  if (since === null) return `Searched the payloads of all ${read}.`;
  return `Searched the payloads of the newest ${read}, back to ${when(since)}; --to ${since} searches older ones.`;
}
