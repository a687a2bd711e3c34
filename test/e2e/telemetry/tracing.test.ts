/** One trace from the caller through the emit to every attempt and on to the receiver, as a collector gets it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { contracts } from '../../../src/providers/registry.js';
import type { AttemptMaterial } from '../../../src/store/attempts/attempts.js';
import { traceAttempt } from '../../../src/telemetry/attempts.js';
import { startTracing } from '../../../src/telemetry/tracing.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { emitExample } from '../../support/subscriptions.js';
import { startSystem, type TestSystem } from '../../support/system.js';

const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const traceparent = `00-${CALLER.traceId}-${CALLER.spanId}-01`;

/** A span as OTLP says it in JSON. */
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code?: number };
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
}

const spans: Span[] = [];
const resources: string[] = [];
const collector = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
      resources.push(JSON.stringify(resource.attributes));
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

let system: TestSystem;
let receiver: Receiver;
let flush: () => Promise<void>;

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  process.env.OTEL_RESOURCE_ATTRIBUTES = 'deployment.environment.name=test';
  [system, receiver] = await Promise.all([startSystem({}, undefined, { workflows: 'adaptive' }), startReceiver()]);
});

beforeEach(() => {
  spans.length = 0;
  receiver.clear();
  flush = startTracing(pino({ level: 'silent' }));
});

afterAll(async () => {
  await system.stop();
  await receiver.close();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

test('a trace goes from the caller to the receiver, over a retry and another worker', async () => {
  receiver.reply(500, 200);
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const url = `${receiver.url}/a-path-as-good-as-a-password`;
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url, eventTypes: ['user.created'] });
  const event = await system.ask(
    'POST',
    `/v1/accounts/${account.id}/events`,
    { type: 'user.created', data: {} },
    { traceparent, tracestate: 'vendor=secret', baggage: 'user=secret' },
  );
  const [{ id: deliveryId }] = event.body.deliveries;
  await system.settled(deliveryId, 'retrying');
  await system.restartWorker();
  await system.ask('POST', `/v1/deliveries/${deliveryId}/retry`);
  const delivery = await system.settled(deliveryId, 'delivered');
  const others = contracts.filter(({ sendsTraceContext }) => !sendsTraceContext);
  expect(others.map(({ provider }) => provider)).toContain('postmark');
  const untold = await emitExample(system.ask, 'postmark', 'Open', { url });
  await system.settled(untold.deliveryId, 'delivered');
  await flush();

  const ofCaller = spans.filter(({ traceId }) => traceId === CALLER.traceId);
  const [emit] = ofCaller.filter(({ name }) => name === 'emit');
  const attempts = ofCaller.filter(({ name }) => name === 'attempt');
  expect(ofCaller).toHaveLength(3);
  expect(emit!.parentSpanId).toBe(CALLER.spanId);
  expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual([emit!.spanId, emit!.spanId]);
  expect(attempts.map(attributesOf)).toEqual([
    expect.objectContaining({
      'pigeonpost.delivery.id': deliveryId,
      'pigeonpost.provider': 'standard',
      'pigeonpost.event.type': 'user.created',
      'pigeonpost.attempt.number': 1,
      'pigeonpost.attempt.outcome': 'refused',
      'pigeonpost.delivery.state': 'retrying',
      'http.response.status_code': 500,
      'error.type': '500',
      'server.address': '127.0.0.1',
    }),
    expect.objectContaining({ 'pigeonpost.attempt.number': 2, 'pigeonpost.attempt.outcome': 'accepted' }),
  ]);
  expect(attempts.map(({ status }) => status.code ?? 0)).toEqual([2, 0]);
  expect(resources[0]).toContain('deployment.environment.name');
  expect(resources[0]).toContain('"pigeonpost"');

  // The receiver can go on from the very attempt; and nothing else of the caller's reaches it.
  const [first, second, third] = receiver.received;
  expect(first!.headers.traceparent).toBe(`00-${CALLER.traceId}-${attempts[0]!.spanId}-01`);
  expect(second!.headers.traceparent).toBe(`00-${CALLER.traceId}-${attempts[1]!.spanId}-01`);
  for (const { headers } of [first!, second!]) expect(Object.keys(headers)).not.toContain('baggage');
  for (const { headers } of [first!, second!]) expect(Object.keys(headers)).not.toContain('tracestate');
  expect(delivery.attempts[0]).toMatchObject({
    requestHeaders: expect.arrayContaining([{ name: 'traceparent', value: first!.headers.traceparent }]),
  });
  // A contract that has no room for headers keeps to its own.
  expect(Object.keys(third!.headers)).not.toContain('traceparent');
  expect(spans.some((span) => attributesOf(span)['pigeonpost.delivery.id'] === untold.deliveryId)).toBe(true);
  expect(JSON.stringify(spans)).not.toMatch(/secret|password/);
});

test('a sender keeps each delivery in the trace of its own request', async () => {
  const [requests, events] = [5, 25];
  receiver.reply(200);
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const url = `${receiver.url}/in`;
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url, eventTypes: ['user.created'] });
  const callers = Array.from({ length: requests }, (_, index) => ({ ...CALLER, traceId: `${index + 1}`.repeat(32) }));
  // At the same time, so that some share a commit.
  await Promise.all(
    callers.map(({ traceId, spanId }) =>
      system.ask(
        'POST',
        `/v1/accounts/${account.id}/events`,
        { events: Array.from({ length: events }, () => ({ type: 'user.created', data: {} })) },
        { traceparent: `00-${traceId}-${spanId}-01` },
      ),
    ),
  );
  const delivered = await eventually(
    async () => (await system.ask('GET', `/v1/deliveries?accountId=${account.id}&state=delivered&limit=250`)).body.data,
    (data) => data.length === requests * events,
  );
  for (const { workflowId } of delivered) expect(workflowId).toBeNull();
  await flush();

  for (const { traceId } of callers) {
    const ofCaller = spans.filter((span) => span.traceId === traceId);
    const [emit] = ofCaller.filter(({ name }) => name === 'emit');
    const attempts = ofCaller.filter(({ name }) => name === 'attempt');
    expect(attempts).toHaveLength(events);
    expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(() => emit!.spanId));
    expect(attempts.map(attributesOf)).toEqual(
      attempts.map(() =>
        expect.objectContaining({ 'pigeonpost.attempt.number': 1, 'pigeonpost.attempt.outcome': 'accepted' }),
      ),
    );
  }
  const sent = spans
    .filter(({ name }) => name === 'attempt')
    .map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
  expect(receiver.received.map(({ headers }) => headers.traceparent).sort()).toEqual(sent.sort());
});

test('what is not traced costs nothing and says nothing', async () => {
  await flush();
  // Nothing of the delivery is as much as read.
  expect(traceAttempt(undefined as unknown as AttemptMaterial)).toBeUndefined();
  receiver.reply(200);
  const { deliveryId } = await emitExample(system.ask, 'standard', 'user.created', { url: `${receiver.url}/in` });
  await system.settled(deliveryId, 'delivered');
  expect(receiver.received).toHaveLength(1);
  expect(Object.keys(receiver.received[0]!.headers)).not.toContain('traceparent');
  expect(spans).toEqual([]);
});
