/** The demo's table of deliveries, redrawn on a terminal. */

export interface Row {
  readonly title: string;
  readonly event: string;
  readonly state: string;
  readonly attempts: string;
  readonly verification: string;
  readonly next: string;
}

const heads: Row = {
  title: 'Contract',
  event: 'Event',
  state: 'State',
  attempts: 'Attempts',
  verification: 'Receiver says',
  next: 'Next attempt',
};

/** Rows as aligned lines below their heads. */
export function layOut(rows: readonly Row[]): string[] {
  const columns = Object.keys(heads) as (keyof Row)[];
  const all = [heads, ...rows];
  const widths = new Map(columns.map((column) => [column, Math.max(...all.map((row) => row[column].length))]));
  return all.map((row) =>
    columns
      .map((column) => row[column].padEnd(widths.get(column)!))
      .join('  ')
      .trimEnd(),
  );
}

/** Draws over what was drawn before; where the output is no terminal, only what changed is worth a new table. */
export function createDrawing(output: NodeJS.WriteStream): (rows: readonly Row[]) => void {
  let drawn = 0;
  let last = '';
  return (rows) => {
    // A line that wraps would spoil drawing over it.
    const lines = layOut(rows).map((line) => line.slice(0, output.columns || undefined));
    const text = lines.join('\n');
    if (text === last) return;
    last = text;
    const back = output.isTTY && drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : '';
    output.write(`${back}${text}\n${output.isTTY ? '' : '\n'}`);
    drawn = lines.length;
  };
}
