/** `pigeonpost reconcile`: compares the database with Temporal, and mends what does not match. */
import type { Command } from 'commander';
import { unwrap, type components } from '../../client/index.js';
import { wholeNumber } from '../arguments.js';
import { confirmRepair } from '../confirm.js';
import { apiCommand, ExitError, openContext, type CommandContext, type CommonOptions } from '../context.js';
import { table } from '../output.js';
import type { Terminal } from '../terminal.js';

type Part = components['schemas']['Reconciliation'];
type Totals = Omit<Part, 'nextCursor'>;
type Kind = Part['examples'][number]['kind'];

interface ReconcileOptions extends CommonOptions {
  readonly apply?: boolean;
  readonly yes?: boolean;
  readonly limit: number;
}

/** What does not match, and what `--apply` does about it. */
const MEANINGS: Readonly<Record<Kind, readonly [meaning: string, repair: string]>> = {
  missing: ['open, but Temporal does not know it', 'a workflow is started'],
  closed: ['open, but its workflow has ended', 'takes the end over, or starts again'],
  pause: ['paused in the database or in its workflow only', 'the workflow is paused or resumed'],
  unknown: ['a workflow, but no such delivery', 'the workflow is terminated'],
  settled: ['ended, but its workflow runs', 'the workflow is terminated'],
};
const KINDS = Object.keys(MEANINGS) as Kind[];
/** Examples of each kind in the output. */
const MAX_EXAMPLES = 3;

export function reconcileCommand(program: Command, terminal: Terminal): void {
  apiCommand(program, 'reconcile', 'Compare the database with Temporal, as after a restore; changes nothing by itself')
    .option('--apply', 'mend what does not match')
    .option('--yes', 'do not ask')
    .option('--limit <number>', 'deliveries or workflows per request', wholeNumber(1, 1_000), 200)
    .action(async ({ apply = false, yes, limit, ...options }: ReconcileOptions) => {
      const context = await openContext(terminal, options);
      if (apply) {
        await confirmRepair(
          context,
          'starts and terminates workflows so that Temporal matches the database; events may arrive twice',
          yes,
        );
      }
      const totals = await compareAll(context, !apply, limit);
      context.print(totals, () => text(totals));
      const isWrong = apply ? totals.failed > 0 : mismatched(totals) > 0;
      if (isWrong) throw new ExitError(1);
    });
}

/** Repeats the request until all is compared. Progress goes to the error output, so that the output is one result. */
async function compareAll({ client, terminal }: CommandContext, dryRun: boolean, limit: number): Promise<Totals> {
  let totals: Totals | undefined;
  let cursor: string | undefined;
  do {
    const { nextCursor, ...part } = await unwrap(
      client.POST('/v1/reconciliations', { body: { dryRun, limit, cursor } }),
    );
    totals = totals ? add(totals, part) : part;
    cursor = nextCursor ?? undefined;
    if (cursor !== undefined) {
      const open = totals.running + totals.missing + totals.closed + totals.pause;
      const compared = `${open} open deliveries and ${totals.workflows} running workflows compared`;
      terminal.err(`${compared}, ${mismatched(totals)} do not match, ${totals.mended} mended`);
    }
  } while (cursor !== undefined);
  return totals;
}

function add(left: Totals, right: Totals): Totals {
  return {
    dryRun: left.dryRun,
    running: left.running + right.running,
    missing: left.missing + right.missing,
    closed: left.closed + right.closed,
    pause: left.pause + right.pause,
    unknown: left.unknown + right.unknown,
    settled: left.settled + right.settled,
    workflows: left.workflows + right.workflows,
    mended: left.mended + right.mended,
    failed: left.failed + right.failed,
    examples: [...left.examples, ...right.examples],
  };
}

const mismatched = (totals: Totals): number => KINDS.reduce((sum, kind) => sum + totals[kind], 0);

function text(totals: Totals): string {
  const rows = KINDS.map((kind) => {
    const examples = totals.examples.filter((example) => example.kind === kind).slice(0, MAX_EXAMPLES);
    return [kind, totals[kind], ...MEANINGS[kind], examples.map(({ deliveryId }) => deliveryId).join(' ')];
  });
  const counts = table(
    ['Kind', 'Count', 'Meaning', 'With --apply', 'Examples'],
    [['running', totals.running, 'open, and its workflow runs', 'nothing', ''], ...rows],
  );
  return `${counts}\n\n${conclusion(totals)}`;
}

function conclusion(totals: Totals): string {
  const { dryRun, mended, failed } = totals;
  const wrong = mismatched(totals);
  if (wrong === 0) return 'Everything matches.';
  if (dryRun) return `${wrong} to be mended; --apply mends them.`;
  return failed === 0 ? `${mended} mended.` : `${mended} mended, and ${failed} could not be; run it again.`;
}
