/** `pigeonpost listen`: a local receiver that verifies and shows what comes. */
import { type Command, Option } from 'commander';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { AddressInfo } from 'node:net';
import { explainFileError, OperatorError } from '../../lib/errors.js';
import { verifiers } from '../../providers/verify.js';
import { duration, webUrl, wholeNumber } from '../arguments.js';
import { apiCommand, printers } from '../context.js';
import { when } from '../output.js';
import { createForwarder } from '../forward.js';
import { createReceiver, type Arrival, type Behaviour } from '../receiver.js';
import { checking, checkOf, findSender, type SenderOptions } from '../sender.js';
import type { Paint, Terminal } from '../terminal.js';

interface ListenOptions extends SenderOptions {
  readonly host: string;
  readonly port: number;
  readonly status?: number;
  readonly failFirst?: number;
  readonly delay: number;
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly count?: number;
  readonly forwardTo?: string;
}

const HELP = `
What --secret holds depends on the provider:
${verifiers.map(({ provider, secretForm }) => `  ${provider.padEnd(12)}${secretForm}`).join('\n')}

A request that is not genuine gets a 401. The contracts that insist on https need --tls-key and --tls-cert with a
certificate that Pigeonpost trusts (PIGEONPOST_CA_FILE), or a tunnel.`;

export function listenCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'listen', 'Run a receiver that verifies, prints and responds to deliveries, until Ctrl-C')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 for a free one', wholeNumber(0, 65_535), 9_000)
    .option('--subscription <subscription>', 'subscription to receive; reads provider, URL and secret from the API')
    .addOption(new Option('--provider <provider>').choices(verifiers.map(({ provider }) => provider)))
    .option('--secret <secret>', 'secret to verify with; see below')
    .option('--address <url>', 'the registered URL, if the contract signs it; by default the requested URL')
    .option('--status <status>', 'status to respond with; 200 by default', wholeNumber(200, 599))
    .option(
      '--fail-first <number>',
      'respond with --status, else 500, to the first requests and 200 to the others',
      wholeNumber(),
    )
    .option('--delay <span>', 'delay before the response, such as 10s', duration, 0)
    .option('--tls-key <path>', 'private key for https, PEM')
    .option('--tls-cert <path>', 'its certificate, PEM')
    .option(
      '--forward-to <url>',
      'send what is genuine to your own receiver as it came, and respond with its status',
      webUrl,
    )
    .option('--count <number>', 'exit after this many requests', wholeNumber())
    .addHelpText('after', HELP)
    .action((options: ListenOptions) => listen(terminal, options));
}

async function listen(terminal: Terminal, options: ListenOptions): Promise<void> {
  const { printLine } = printers(terminal, options);
  const tls = await readTls(options);
  const sender = await findSender(terminal, options);
  const stop = terminal.onStop();
  const ended = new AbortController();
  const forwarder = options.forwardTo === undefined ? undefined : createForwarder(options.forwardTo);
  let arrived = 0;
  const receiver = createReceiver({
    ...behaviour(options),
    ...(forwarder ? { respond: forwarder.forward } : {}),
    tls,
    verify: checkOf(sender, tls ? 'https' : 'http'),
    onArrival: (arrival) => {
      printLine(arrival, (paint) => arrivalText(arrival, paint));
      if (++arrived === options.count) ended.abort();
    },
  });
  await start(receiver, options);
  const { port } = receiver.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  const forwarding = options.forwardTo === undefined ? '' : ` What is genuine is forwarded to ${options.forwardTo}.`;
  printLine({ listening: url }, () => `Listening at ${url}; ${checking(sender)}.${forwarding}`);
  if (forwarder && terminal.stdin.isTTY) replayOnRequest(terminal, forwarder);
  await once(AbortSignal.any([stop, ended.signal]), 'abort');
  receiver.close();
  receiver.closeAllConnections();
}

/** Forwards a request again when its number is typed. */
function replayOnRequest(terminal: Terminal, { forwardAgain }: ReturnType<typeof createForwarder>): void {
  terminal.err('Type the number of a request and Enter to forward it again.');
  createInterface({ input: terminal.stdin }).on('line', (line) => {
    const number = Number(line.trim());
    void forwardAgain(number).then((result) => {
      const text = result
        ? `forwarded again; ${resultText(result)}`
        : 'there is none of this number among the last 100';
      terminal.err(`#${line.trim()}  ${text}`);
    });
  });
}

function resultText({ status, forwardError }: Pick<Arrival, 'status' | 'forwardError'>): string {
  return `responded ${status}${forwardError === undefined ? '' : ` (${forwardError})`}`;
}

function behaviour({ status, failFirst, delay }: ListenOptions): Pick<Behaviour, 'respond' | 'delayMs'> {
  const statusOf = (number: number): number => {
    if (failFirst === undefined) return status ?? 200;
    return number <= failFirst ? (status ?? 500) : 200;
  };
  return { respond: async ({ number }) => ({ status: statusOf(number) }), delayMs: delay };
}

async function start(receiver: ReturnType<typeof createReceiver>, { host, port }: ListenOptions): Promise<void> {
  receiver.listen(port, host);
  await once(receiver, 'listening').catch((error: unknown) => {
    throw new OperatorError(`Cannot listen at ${host}:${port}: ${(error as Error).message}.`, 'Give another --port.');
  });
}

async function readTls({ tlsKey, tlsCert }: ListenOptions): Promise<{ key: string; cert: string } | undefined> {
  if (tlsKey === undefined && tlsCert === undefined) return undefined;
  if (tlsKey === undefined || tlsCert === undefined)
    throw new OperatorError('--tls-key and --tls-cert belong together: give both, or none.');
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error: unknown) => {
      throw explainFileError(error, path);
    });
  return { key: await read(tlsKey), cert: await read(tlsCert) };
}

const CLASS_STYLES = { genuine: 'green', forged: 'red', unchecked: 'yellow' } as const;

function arrivalText(arrival: Arrival, paint: Paint): string {
  const { number, at, method, path, headers, body, responseClass, reason } = arrival;
  const classified = reason === undefined ? responseClass : `${responseClass}: ${reason}`;
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`);
  const head = `\n#${number}  ${when(at)}  ${method} ${path}  ${paint(CLASS_STYLES[responseClass], classified)}  ${resultText(arrival)}`;
  return [head, ...lines, '', `  ${body}`].join('\n');
}
