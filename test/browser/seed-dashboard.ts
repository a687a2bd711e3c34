/** A system with something to see: accounts of several providers, receivers that are well and one that is not. */
import type { Received } from '../support/receiver.js';
import { emit, newReceiver, type DashboardHarness } from './support.js';

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

export async function seedDashboard(dashboard: DashboardHarness): Promise<Furnished> {
  const { ask, receiver, system } = dashboard;
  receiver.reply((response, { path }) => {
    if (path === '/opens') return void response.writeHead(403).end('{"error":"forbidden"}');
    if (!path.startsWith('/erp')) return void response.writeHead(200).end('{"ok":true}');
    response
      .writeHead(503, { 'content-type': 'application/json' })
      .end('{"error":"maintenance","detail":"The order service is back at 18:00."}');
  });
  const { account, subscription } = await newReceiver(dashboard, 'Acme Robotics', {
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
  await ask('POST', `/v1/accounts/${northwind.id}/subscriptions`, {
    url: `${receiver.url}/opens`,
    eventTypes: ['Open'],
  });
  const { data: contracts } = await ask('GET', '/v1/contracts');
  const exampleOf = (wanted: string) =>
    contracts
      .find(({ provider }: { provider: string }) => provider === 'postmark')
      .events.find(({ type }: { type: string }) => type === wanted).example;
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    ids.push(
      await emit(dashboard, account.id, 'user.created', { id: `usr_${round}`, email: `person${round}@example.com` }),
    );
    ids.push(await emit(dashboard, northwind.id, 'Bounce', exampleOf('Bounce')));
    ids.push(await emit(dashboard, account.id, 'order.shipped', { id: `ord_${round}`, owner: 'pigeon' }));
  }
  await Promise.all(ids.map((id) => system.settled(id, 'delivered')));
  await system.settled(await emit(dashboard, northwind.id, 'Open', exampleOf('Open')), 'failed');
  for (const [command, reason] of [
    ['cancel', 'sent by hand'],
    ['pause', 'the order service is being moved'],
  ] as const) {
    const id = await emitTo(subscription.id, { id: `inv_2026030${command.length}`, lines: 2 });
    await ask('POST', `/v1/deliveries/${id}/${command}`, { reason });
    await system.settled(id, command === 'cancel' ? 'cancelled' : 'paused');
  }
  const received = receiver.received.find(({ path }) => path === '/crm')!;
  const retrying = await emitTo(subscription.id, {
    id: 'inv_20260301',
    customer: 'usr_3',
    amount: { value: 129_900, currency: 'EUR' },
    lines: 4,
  });
  // After the events: from now on others are refused.
  await ask('PUT', '/v1/event-types/invoice.paid', {
    description: 'A customer has paid an invoice',
    group: 'Invoices',
    schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
    examples: [{ id: 'inv_1' }],
  });
  return { account: account.id, subscription: subscription.id, retrying, received, secret: well.secret };

  /** Emits an invoice and waits until this subscription has refused it; gives back the delivery's id. */
  async function emitTo(subscriptionId: string, data: unknown): Promise<string> {
    const event = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data });
    const to = event.deliveries.find(
      (delivery: { subscriptionId: string }) => delivery.subscriptionId === subscriptionId,
    );
    await system.settled(to.id, 'retrying');
    return to.id;
  }
}
