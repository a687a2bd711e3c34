/** A DNS server on this machine, over UDP, that responds for a few names and is silent for all others. */
import { createSocket } from 'node:dgram';

const TYPE_A = 1;
const NO_ERROR = 0;
const NAME_ERROR = 3;

export interface NameServer {
  /** `address:port`. */
  readonly address: string;
  /** The names that were looked up for an IPv4 address, in sequence. */
  readonly asked: readonly string[];
  /** Resolves when this many different names have been looked up. */
  names(count: number): Promise<void>;
  close(): Promise<void>;
}

/** @param records an IPv4 address for each name; `none` for one that does not exist, `empty` for one without address. */
export async function nameServer(records: Readonly<Record<string, string>>): Promise<NameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  const watching = new Set<() => void>();
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    if (type === TYPE_A) asked.push(name);
    for (const watch of watching) watch();
    const record = records[name];
    if (record !== undefined) socket.send(responseTo(query, end, type, record), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  return {
    address: `127.0.0.1:${port}`,
    asked,
    names: (count) =>
      new Promise((resolve) => {
        const watch = (): void => {
          if (new Set(asked).size < count) return;
          watching.delete(watch);
          resolve();
        };
        watching.add(watch);
        watch();
      }),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** The question of a query (RFC 1035, section 4.1.2), and where it ends. */
function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function responseTo(query: Buffer, questionEnd: number, type: number, record: string): Buffer {
  const found = type === TYPE_A && /^\d/.test(record);
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // A response, recursion desired and available.
  head.writeUInt16BE(0x8180 | (record === 'none' ? NAME_ERROR : NO_ERROR), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found ? 1 : 0, 6);
  const response = found
    ? Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...record.split('.').map(Number)])
    : Buffer.alloc(0);
  return Buffer.concat([head, query.subarray(12, questionEnd), response]);
}
