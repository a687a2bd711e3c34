/** A name server that never responds, and a process that asks no other one. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { output } from './folders.js';

/** Loopback, but not the address of a resolver that may be there; the port cannot be chosen. */
const ADDRESS = '127.0.0.153';

/** Words to put before a command, and the end of it all. */
export interface SilentNames {
  readonly prefix: readonly string[];
  stop(): void;
}

/** Has a process see a resolv.conf of its own, in a mount namespace of its own. Needs root and Linux. */
export async function startSilentNames(): Promise<SilentNames> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('a name server for Pigeonpost alone needs root, on Linux');
  }
  const socket = createSocket('udp4').bind(53, ADDRESS);
  await once(socket, 'listening');
  const file = output('resolv.conf');
  await writeFile(file, `nameserver ${ADDRESS}\n`);
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return { prefix: ['unshare', '--mount', 'sh', '-c', script, file], stop: () => void socket.close() };
}
