/** A system with something to see: accounts of several providers, receivers that are well and one that is not. */
import type { Received } from '../support/receiver';
import { emit, newReceiver, type Desk } from './support';

export interface Furnished {
  /** An account's id. */
  readonly account: string;
  /** A subscription that fails. */
  readonly subscription: string;
  /** A delivery of it. */
  readonly retrying: string;
  /** A request that came, and the secret it was signed with. */
  readonly received: Received;
  readonly secret: string;
}

export async function furnish(desk: Desk): Promise<Furnished> {
  const { ask, receiver, system } = desk;
  receiver.answer((response, { path }) => {
    if (!path.startsWith('/erp')) return void response.writeHead(200).end('{"ok":true}');
    response
      .writeHead(503, { 'content-type': 'application/json' })
      .end('{"error":"maintenance","detail":"The order service is back at 18:00."}');
  });
  const { account, subscription } = await newReceiver(desk, 'Acme Robotics', {
    url: `${receiver.url}/erp/webhooks`,
    eventTypes: ['invoice.paid'],
    description: 'Bookkeeping',
    headers: { 'X-Tenant': 'acme' },
  });
  const well = await ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: `${receiver.url}/crm`,
    eventTypes: [],
    description: 'Everything, for the CRM',
  });
  const northwind = await ask('POST', '/v1/accounts', { provider: 'postmark', name: 'Northwind' });
  await ask('POST', `/v1/accounts/${northwind.id}/subscriptions`, {
    url: `${receiver.url}/bounces`,
    eventTypes: ['Bounce'],
    httpAuth: { username: 'kim', password: 'letmein' },
  });
  const { data: contracts } = await ask('GET', '/v1/contracts');
  const bounce = contracts
    .find(({ provider }: { provider: string }) => provider === 'postmark')
    .events.find(({ type }: { type: string }) => type === 'Bounce').example;
  const ids: string[] = [];
  for (let round = 0; round < 6; round++) {
    ids.push(await emit(desk, account.id, 'user.created', { id: `usr_${round}`, email: `person${round}@example.com` }));
    ids.push(await emit(desk, northwind.id, 'Bounce', bounce));
  }
  await Promise.all(ids.map((id) => system.settled(id, 'delivered')));
  const received = receiver.received.find(({ path }) => path === '/crm')!;
  const event = await ask('POST', `/v1/accounts/${account.id}/events`, {
    type: 'invoice.paid',
    data: { id: 'inv_20260301', customer: 'usr_3', amount: { value: 129_900, currency: 'EUR' }, lines: 4 },
  });
  const retrying: string = event.deliveries.find(
    ({ subscriptionId }: { subscriptionId: string }) => subscriptionId === subscription.id,
  ).id;
  await system.settled(retrying, 'retrying');
  return { account: account.id, subscription: subscription.id, retrying, received, secret: well.secret };
}
