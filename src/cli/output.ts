/** How responses are shown to people. Programs get JSON. */
import Table from 'cli-table3';

/** What a cell of a table, or a field of a thing, can hold. */
export type Cell = string | number | boolean | null | undefined;

const NOTHING = '–';

const plain: NonNullable<ConstructorParameters<typeof Table>[0]> = {
  chars: Object.fromEntries(
    [
      ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
      ...['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
    ].map((part) => [part, '']),
  ),
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
};

/** Rows as aligned lines below their heads. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const drawn = new Table({ ...plain, head: [...heads] });
  drawn.push(...rows.map((row) => row.map(cell)));
  return trimmed(drawn.toString());
}

/** A thing, a line for each of its fields under the name that the API gives it. */
export function fields(thing: Readonly<Record<string, unknown>>): string {
  const drawn = new Table(plain);
  drawn.push(...Object.entries(thing).map(([name, value]) => [name, cell(flat(value))]));
  return trimmed(drawn.toString());
}

/** A time of the API to the second. */
export function when(time: string | null | undefined): string {
  return time ? time.replace(/(\.\d+)?Z$/, 'Z') : NOTHING;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** A time span as people say it: `2 h 5 min`. */
export function span(ms: number): string {
  let rest = ms;
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count > 0 ? [`${count} ${unit}`] : [];
  });
  return parts.join(' ') || '0 s';
}

function flat(value: unknown): Cell {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ');
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return value as Cell;
}

function cell(value: Cell): string {
  return value === null || value === undefined || value === '' ? NOTHING : String(value);
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
