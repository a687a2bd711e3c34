/** `pigeonpost emit`: handing in events. */
import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { unwrap, type components } from '../../client/index.js';
import { explainFileError, OperatorError } from '../../lib/errors.js';
import { collect, time } from '../arguments.js';
import { apiCommand, ExitError, openContext, type CommandContext, type CommonOptions } from '../context.js';
import type { Terminal } from '../terminal.js';

interface EmitOptions extends CommonOptions {
  readonly data?: string;
  readonly file?: string;
  readonly occurredAt?: string;
  readonly channel?: string[];
  readonly subscription?: string;
  readonly idempotencyKey?: string;
}

type Result = components['schemas']['AcceptedEvent'] | components['schemas']['Problem'];

const HELP = `
With a type, the text is the payload of one event; without, it holds whole events: an object with type and data, a list
of them, or one per line. Text comes from --data, from --file, or is read from the standard input.

  $ pigeonpost emit acc_… user.created --data '{"id": 1}'
  $ pigeonpost emit acc_… --file events.jsonl`;

export function emitCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'emit <account> [type]', 'Emit an event, or many')
    .option('--data <json>', 'the data as JSON')
    .option('--file <path>', 'file with the data')
    .option('--occurred-at <time>', 'time of the event, or how long ago; now by default', time)
    .option('--channel <channel>', 'channel, for contracts with channels; may be given several times', collect)
    .option('--subscription <subscription>', 'emit it only to this subscription')
    .option('--idempotency-key <key>', 'a repeated request with the same key gets the first response')
    .addHelpText('after', HELP)
    .action(async (id: string, type: string | undefined, options: EmitOptions) => {
      const { singleEvent, wholeEvents } = await import('../event-text.js');
      const { occurredAt, channel: channels, subscription: subscriptionId } = options;
      if (type === undefined && (occurredAt ?? channels ?? subscriptionId) !== undefined)
        throw new OperatorError('Whole events say themselves when they happened, in which channels and for whom.');
      const context = await openContext(terminal, options);
      const text = await readText(terminal, options);
      const bodies =
        type === undefined ? wholeEvents(text) : [singleEvent(text, { type, occurredAt, channels, subscriptionId })];
      const results: Result[] = [];
      for (const [index, body] of bodies.entries())
        results.push(...(await emit(context, id, body, keyOf(options, index))));
      show(context, results, type === undefined && isBatch(bodies));
      if (results.some(isProblem)) throw new ExitError(1);
    });
}

async function readText({ stdin }: Terminal, { data, file }: EmitOptions): Promise<string> {
  if (data !== undefined && file !== undefined) throw new OperatorError('Give --data or --file, not both.');
  if (data !== undefined) return data;
  if (file !== undefined)
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw explainFileError(error, file);
    });
  if (stdin.isTTY) throw new OperatorError('There is nothing to emit.', 'Give --data or --file, or pipe the text in.');
  return readAll(stdin);
}

/** Each request needs a key of its own. */
function keyOf({ idempotencyKey }: EmitOptions, index: number): string | undefined {
  return index === 0 || idempotencyKey === undefined ? idempotencyKey : `${idempotencyKey}-${index + 1}`;
}

async function emit({ client }: CommandContext, id: string, text: string, key?: string): Promise<Result[]> {
  const accepted = await unwrap(
    client.POST('/v1/accounts/{id}/events', {
      params: { path: { id }, header: key === undefined ? {} : { 'Idempotency-Key': key } },
      // The text itself is sent; the types know only what it stands for.
      body: { events: [] },
      bodySerializer: () => text,
    }),
  );
  return 'results' in accepted ? accepted.results : [accepted];
}

function isBatch(bodies: readonly string[]): boolean {
  return bodies.length > 1 || bodies.some((body) => body.startsWith('{"events":'));
}

function show({ print }: CommandContext, results: readonly Result[], batch: boolean): void {
  print(batch ? { results } : results[0], () => results.map(line).join('\n'));
}

function line(result: Result): string {
  if (isProblem(result)) return `refused  ${result.detail}`;
  const { id, type, deliveries } = result;
  const to = deliveries.map(({ id }) => id).join(', ');
  return `${id}  ${type}  ${to === '' ? 'has no subscription' : `delivery ${to}`}`;
}

function isProblem(result: Result): result is components['schemas']['Problem'] {
  return 'code' in result;
}
