/** What a bench is asked for. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { attackNames, loads, loadsFor, rateLoads, type AttackName, type Load } from './report/measures.js';

export interface Options {
  /** The loads to put on. */
  readonly loads: ReadonlySet<Load>;
  /** The attacks of the load `neighbours`. */
  readonly attacks: ReadonlySet<AttackName>;
  readonly sizes: Sizes;
  readonly https: boolean;
  readonly profile: boolean;
  /** Path of another sender's adapter, where it is not Pigeonpost that is measured. */
  readonly adapter?: string;
}

/** How much of everything. */
export interface Sizes {
  readonly runs: number;
  /** Deliveries of a load that is as fast as it can be. */
  readonly events: number;
  /** Deliveries where each is a workflow of its own. */
  readonly workflows: number;
  /** Over how many seconds latency is measured. */
  readonly latencySeconds: number;
  /** For how many seconds Pigeonpost is at work before that. */
  readonly warmUpSeconds: number;
  /** Finished deliveries in full tables. */
  readonly filled: number;
  /** Deliveries that wait while something is unavailable. */
  readonly drain: number;
  /** Accounts with a subscription each. */
  readonly accounts: number;
  readonly soakSeconds: number;
}

const FULL: Sizes = {
  runs: 3,
  events: 20_000,
  workflows: 2_000,
  latencySeconds: 15,
  warmUpSeconds: 60,
  filled: 1_000_000,
  drain: 20_000,
  accounts: 10_000,
  soakSeconds: 0,
};
const QUICK: Sizes = {
  runs: 1,
  events: 3_000,
  workflows: 400,
  latencySeconds: 5,
  warmUpSeconds: 10,
  filled: 100_000,
  drain: 1_000,
  accounts: 1_000,
  soakSeconds: 0,
};

/** The loads that a sender can be put under which only its adapter knows. */
const forAnySender: readonly Load[] = [
  'raw_posts',
  'single_calls',
  'batches',
  'fan_out',
  'payload_1k',
  'payload_16k',
  'payload_256k',
  'raw_latency',
  ...rateLoads.map(({ load }) => load),
  'latency_busy',
  'hanging',
];

/** Reads the command line; ends the process when it makes no sense. */
export function readOptions(argv: readonly string[]): Options {
  const command = new Command('bench')
    .description('Measure Pigeonpost, each figure beside what bounds it')
    .option(
      '--only <measures>',
      'measures, loads or rates, payloads, drain; comma separated; their floors are measured too',
      names,
    )
    .option('--attacks <names>', `which attacks neighbours measures: ${attackNames.join(', ')}`, attacks)
    .option('--runs <number>', 'how often everything is measured', wholeNumber)
    .option('--events <number>', 'deliveries of each load that is as fast as it can be', wholeNumber)
    .option('--drain <number>', 'deliveries that wait in the loads drain_temporal and drain_receiver', wholeNumber)
    .option('--accounts <number>', 'accounts of the loads many_accounts and many_accounts_single_calls', wholeNumber)
    .option('--quick', 'less of everything, once')
    .option('--https', 'receivers that are reached by https')
    .option('--soak <duration>', 'also watch the memory under a steady load for so long, such as 10m', seconds)
    .option('--profile', "write a profile of Pigeonpost's process to bench/out/profiles")
    .option('--adapter <path>', 'measure another sender through this adapter')
    .parse(argv);
  const given = command.opts<{
    only?: Set<Load>;
    attacks?: Set<AttackName>;
    runs?: number;
    events?: number;
    drain?: number;
    accounts?: number;
    quick?: true;
    https?: true;
    soak?: number;
    profile?: true;
    adapter?: string;
  }>();
  const usual = given.quick ? QUICK : FULL;
  const possible = given.adapter === undefined ? loads : forAnySender;
  const wanted = given.only ?? new Set(possible.filter((load) => load !== 'soak' && load !== 'neighbours'));
  if (given.soak !== undefined) wanted.add('soak');
  const events = given.events ?? usual.events;
  return {
    loads: new Set(possible.filter((load) => wanted.has(load))),
    attacks: given.attacks ?? new Set(attackNames),
    sizes: {
      ...usual,
      runs: given.runs ?? usual.runs,
      events,
      workflows: Math.min(usual.workflows, events),
      drain: given.drain ?? usual.drain,
      accounts: given.accounts ?? usual.accounts,
      soakSeconds: given.soak ?? 600,
    },
    https: given.https ?? false,
    profile: given.profile ?? false,
    ...(given.adapter === undefined ? {} : { adapter: resolve(given.adapter) }),
  };
}

function names(text: string): Set<Load> {
  try {
    return loadsFor(text.split(','));
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function attacks(text: string): Set<AttackName> {
  const wanted = text.split(',').map((name) => attackNames.find((known) => known === name));
  if (wanted.includes(undefined)) throw new InvalidArgumentError(`The attacks are: ${attackNames.join(', ')}`);
  return new Set(wanted.filter((name) => name !== undefined));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Write a whole number from 1 on.');
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

function seconds(text: string): number {
  const [, amount, unit] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) throw new InvalidArgumentError('Write such as 90s, 10m or 1h.');
  return Number(amount) * UNITS[unit]!;
}
