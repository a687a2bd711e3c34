/** The floor of every sender: a signed POST by the guarded egress client, and nothing around it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { newSigningSecret, signatureHeader } from '#src/contract/signing-keys.js';
import { createEgressClient } from '#src/egress/client.js';
import type { Adapter, BenchEvent, CreateAdapter, Receiver } from './types.js';

/** As that of the contract which the bench speaks, in milliseconds. */
const TIME_LIMIT_MS = 15_000;

export const createAdapter: CreateAdapter = async ({ receiverCaFile, receiverResolve }): Promise<Adapter> => {
  const egress = createEgressClient({
    allowNetworks: ['127.0.0.0/8'],
    allowHttp: true,
    resolve: receiverResolve === undefined ? [] : [resolveRule(receiverResolve)],
    ...(receiverCaFile === undefined ? {} : { extraCa: await readFile(receiverCaFile, 'utf8') }),
    maxResponseBytes: 16 * 1_024,
  });
  const keys = [{ secret: newSigningSecret(randomBytes) }];
  let all: readonly Receiver[] = [];

  const send = async ({ data }: BenchEvent, { url }: Receiver): Promise<void> => {
    const now = new Date();
    const body = JSON.stringify({ type: 'bench', timestamp: now.toISOString(), data });
    const id = `msg_${data.n}`;
    const timestamp = Math.floor(now.getTime() / 1_000);
    const exchange = await egress.send({
      url,
      headers: [
        { name: 'Content-Type', value: 'application/json' },
        { name: 'webhook-id', value: id },
        { name: 'webhook-timestamp', value: String(timestamp) },
        { name: 'webhook-signature', value: signatureHeader(keys, { id, timestamp, body }, now) },
      ],
      body,
      timeLimitMs: TIME_LIMIT_MS,
      maxRedirects: 0,
    });
    if (exchange.kind === 'failure') throw new Error(exchange.message);
  };

  return {
    setUp: async (receivers) => void (all = receivers),
    async emit(events) {
      const sent = events.flatMap((event) =>
        all.filter(({ topic }) => topic === event.topic).map((receiver) => send(event, receiver)),
      );
      await Promise.all(sent);
    },
    close: () => egress.close(),
  };
};

function resolveRule(text: string) {
  const [host, port, address] = text.split(':');
  return { host: host!, port: Number(port), address: address! };
}
