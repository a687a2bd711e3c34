/** Figures of other senders, measured elsewhere, beside those of this run. */
import type { Report } from './report.js';
import { align, readable } from './table.js';

/** The content of `tools/bench/peers.json`. */
export interface Peers {
  /** Where the figures are from, printed above them. */
  readonly note: string;
  readonly peers: readonly Peer[];
}

export interface Peer {
  readonly name: string;
  /** Whether the machine that it was measured on did other work: about one core of it when busy. */
  readonly machine: 'quiet' | 'busy';
  /** By the name of the measure. */
  readonly figures: Readonly<Record<string, number>>;
}

const heads = ['Measure', 'Here', 'Unit', 'Peer', 'Its machine', 'Its figure', 'Of peer'];
/** Columns whose cells are numbers. */
const numeric = new Set([1, 5, 6]);

/** A line for each measure of this run and peer that has it, below the note; undefined where there is none. */
export function layOutPeers(report: Report, { note, peers }: Peers): string | undefined {
  const rows = Object.entries(report).flatMap(([measure, { value, unit }]) =>
    peers.flatMap(({ name, machine, figures }) => {
      const figure = figures[measure];
      if (figure === undefined) return [];
      return [[measure, readable(value), unit, name, machine, readable(figure), `${readable(value / figure)} ×`]];
    }),
  );
  return rows.length === 0 ? undefined : `${note}\n\n${align([heads, ...rows], numeric)}`;
}
