/** `pigeonpost jobs`: one command for all deliveries of a filter, in the background. */
import { Argument, InvalidArgumentError, type Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { unwrap, type components, type paths } from '../../client/index.js';
import { collect, duration, time, wholeNumber } from '../arguments.js';
import { apiCommand, ExitError, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { span, table, when } from '../output.js';
import type { Terminal } from '../terminal.js';

type Job = components['schemas']['Job'];
type Request = paths['/v1/jobs']['post']['requestBody']['content']['application/json'];
type State = NonNullable<Request['filter']['states']>[number];

const ACTIONS = ['retry', 'pause', 'resume', 'cancel', 'redeliver'] satisfies Request['action'][];
const STATES: readonly string[] = [
  'pending',
  'retrying',
  'paused',
  'delivered',
  'failed',
  'cancelled',
] satisfies State[];

interface StartOptions extends CommonOptions {
  readonly account?: string;
  readonly provider?: string;
  readonly subscription?: string;
  readonly event?: string;
  readonly type?: string;
  readonly orderingKey?: string;
  readonly delivery?: string[];
  readonly state?: State[];
  readonly from?: string;
  readonly to?: string;
  readonly rate?: number;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly follow: boolean;
  readonly every: number;
}

export function jobCommands(program: Command, terminal: Terminal): void {
  const jobs = program.command('jobs').description('One command for many deliveries, in the background');

  apiCommand(jobs, 'start', 'Send a command to all deliveries of a filter; only counts without --yes')
    .addArgument(new Argument('<action>').choices(ACTIONS))
    .option('--account <account>')
    .option('--provider <provider>')
    .option('--subscription <subscription>')
    .option('--event <event>')
    .option('--type <type>', 'event type')
    .option('--ordering-key <key>')
    .option('--delivery <delivery>', 'only this delivery; may be given several times', collect)
    .option('--state <state>', `${STATES.join(', ')}; may be given several times`, chosenState)
    .option('--from <time>', 'only those created since, such as 2026-11-21T14:00:00Z, or 2h', time)
    .option('--to <time>', 'only those created before this time, or so long ago', time)
    .option('--rate <number>', 'deliveries per second', wholeNumber(1, 1_000))
    .option('--reason <text>', 'of pause and cancel: shown with the deliveries and in Temporal')
    .option('--yes', 'do it; also for deliveries that their receivers have accepted')
    .option('--no-follow', 'do not wait for its end')
    .option('--every <span>', 'interval between progress reports', duration, 1_000)
    .action(async (action: Request['action'], options: StartOptions) =>
      start(await openContext(terminal, options), action, options),
    );

  apiCommand(jobs, 'list', 'List jobs, the newest first').action(async (options: CommonOptions) => {
    const { client, print } = await openContext(terminal, options);
    const page = await unwrap(client.GET('/v1/jobs'));
    print(page, () => {
      const rows = page.data.map((job) => [job.id, job.action, job.state, when(job.createdAt), progress(job)]);
      return table(['Job', 'Action', 'State', 'Created', 'Progress'], rows);
    });
  });

  apiCommand(jobs, 'follow <job>', 'Print the progress of a job until it ends')
    .option('--every <span>', 'interval between progress reports', duration, 1_000)
    .action(async (id: string, { every, ...options }: CommonOptions & { every: number }) => {
      const context = await openContext(terminal, options);
      const job = await unwrap(context.client.GET('/v1/jobs/{id}', { params: { path: { id } } }));
      context.printLine(job, () => jobLine(job));
      await follow(context, job, every);
    });

  apiCommand(jobs, 'pause <job>', 'Pause a job; the page in progress is finished first').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const job = await unwrap(client.POST('/v1/jobs/{id}/pause', { params: { path: { id } } }));
      print(job, () => jobLine(job));
    },
  );

  apiCommand(jobs, 'resume <job>', 'Resume a paused job, or change the rate of a running one')
    .option('--rate <number>', 'deliveries per second', wholeNumber(1, 1_000))
    .action(async (id: string, { rate, ...options }: CommonOptions & { rate?: number }) => {
      const { client, print } = await openContext(terminal, options);
      const body = rate === undefined ? {} : { ratePerSecond: rate };
      const job = await unwrap(client.POST('/v1/jobs/{id}/resume', { params: { path: { id } }, body }));
      print(job, () => jobLine(job));
    });

  apiCommand(jobs, 'cancel <job>', 'End a job; the page in progress is finished first').action(
    async (id: string, options: CommonOptions) => {
      const { client, print } = await openContext(terminal, options);
      const job = await unwrap(client.POST('/v1/jobs/{id}/cancel', { params: { path: { id } } }));
      print(job, () => jobLine(job));
    },
  );
}

async function start(context: CommandContext, action: Request['action'], options: StartOptions): Promise<void> {
  const { client, print, printLine } = context;
  const { rate, reason, yes = false, follow: isFollowed, every } = options;
  const body: Request = {
    action,
    filter: filterOf(options),
    dryRun: !yes,
    allowDelivered: true,
    ...(rate === undefined ? {} : { ratePerSecond: rate }),
    ...(reason === undefined ? {} : { reason }),
  };
  const responded = await unwrap(client.POST('/v1/jobs', { body }));
  if ('dryRun' in responded) {
    const { total, more } = responded;
    return print(responded, () => {
      if (total === 0) return `There is nothing to ${action}.`;
      const again = body.filter.states?.includes('delivered')
        ? ' Delivered ones are sent to their receivers again.'
        : '';
      return `${total}${more ? ' or more' : ''} in all; --yes does it.${again}`;
    });
  }
  printLine(responded, () => jobLine(responded));
  if (isFollowed) await follow(context, responded, every);
}

function filterOf(options: StartOptions): Request['filter'] {
  const { account, provider, subscription, event, type, orderingKey, delivery, state, from, to } = options;
  return {
    accountId: account,
    provider,
    subscriptionId: subscription,
    eventId: event,
    eventType: type,
    orderingKey,
    deliveryIds: delivery,
    states: state,
    from,
    to,
  };
}

/** Prints how far it has come whenever that has changed. When stopped, the job itself continues. */
async function follow({ client, printLine, terminal }: CommandContext, started: Job, everyMs: number): Promise<void> {
  const stop = terminal.onStop();
  const params = { path: { id: started.id } };
  let job = started;
  while (job.state === 'running' || job.state === 'paused') {
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
    if (stop.aborted) return terminal.err(`${job.id} continues`);
    const now = await unwrap(client.GET('/v1/jobs/{id}', { params }));
    if (jobLine(now) !== jobLine(job)) printLine(now, () => jobLine(now));
    job = now;
  }
  if (job.state !== 'completed') throw new ExitError(1);
}

/** A job in a line. */
function jobLine(job: Job): string {
  return `${job.id}  ${job.action}  ${job.state}  ${progress(job)}`;
}

function progress({ state, total, done, skipped, ratePerSecond }: Job): string {
  if (total === null) return 'counting';
  const rest = total - done - skipped;
  const percent = total === 0 ? 100 : Math.floor((100 * (done + skipped)) / total);
  const parts = [
    `${done} of ${total} done (${percent} %)`,
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    ...(state === 'running' && rest > 0 ? [`about ${span(Math.ceil(rest / ratePerSecond) * 1_000)} left`] : []),
  ];
  return parts.join(', ');
}

function chosenState(text: string, former: readonly string[] = []): string[] {
  if (STATES.includes(text)) return [...former, text];
  throw new InvalidArgumentError(`Write one of ${STATES.join(', ')}.`);
}
