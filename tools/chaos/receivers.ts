/** The receivers of a run: one local server with a path per kind, which remembers what arrived and what it accepted. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACCEPT, react, type Reaction } from './behaviour.js';
import { receiverKinds, type ReceiverKind } from './plan.js';

/** One request at a receiver; Unix times in milliseconds. */
export interface Arrival {
  readonly at: number;
  /** When the response was sent or the sender had hung up; absent before. */
  endedAt?: number;
  /** Whether a whole 2xx response went to someone who was still there. */
  accepted: boolean;
}

export interface Receivers {
  urlOf(kind: ReceiverKind): string;
  /** The requests that the receiver of a kind got for an event, by the id of the event. */
  arrivals(kind: ReceiverKind, eventId: string): readonly Arrival[];
  /** From now on every receiver accepts everything at once. */
  acceptAll(): void;
  close(): Promise<void>;
}

const TRICKLED_BYTES = 10;

export async function startReceivers(seed: number, timeLimitMs: number): Promise<Receivers> {
  const received = new Map<string, Arrival[]>();
  let acceptsAll = false;
  const server = createServer((request, response) => {
    const kind = receiverKinds.find((name) => request.url === `/${name}`);
    const eventId = `evt_${String(request.headers['webhook-id']).slice('msg_'.length)}`;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (!kind) return void response.writeHead(404).end();
      const { data } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { data: { n: number } };
      const key = `${kind} ${eventId}`;
      const before = received.get(key) ?? [];
      const arrival: Arrival = { at: Date.now(), accepted: false };
      received.set(key, [...before, arrival]);
      // A late response is written to a closed connection.
      response.on('error', () => undefined);
      response.on('finish', () => {
        if (response.statusCode < 300 && !response.destroyed) arrival.accepted = true;
      });
      response.on('close', () => (arrival.endedAt = Date.now()));
      void misbehave(acceptsAll ? ACCEPT : react(seed, kind, data.n, before.length, timeLimitMs), response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (kind) => `http://127.0.0.1:${port}/${kind}`,
    arrivals: (kind, eventId) => received.get(`${kind} ${eventId}`) ?? [],
    acceptAll: () => void (acceptsAll = true),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function misbehave(reaction: Reaction, response: ServerResponse): Promise<void> {
  switch (reaction.kind) {
    case 'response':
      return void response.writeHead(reaction.status, reaction.headers).end();
    case 'wait':
      await sleep(reaction.forMs, undefined, { ref: false });
      return void response.writeHead(200).end();
    case 'trickle':
      response.writeHead(200, { 'content-length': TRICKLED_BYTES });
      for (let sent = 1; sent < TRICKLED_BYTES && !response.destroyed; sent += 1) {
        response.write('.');
        await sleep(reaction.forMs / TRICKLED_BYTES, undefined, { ref: false });
      }
      // With the last byte the sender has the whole response, so nothing may come after it here either.
      return void response.end('.');
    case 'close':
      if (reaction.midway) response.writeHead(200, { 'content-length': TRICKLED_BYTES }).write('.');
      return void response.socket?.destroySoon();
    case 'hang':
  }
}
