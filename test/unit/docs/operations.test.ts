/** docs/operations.md lists every metric of Pigeonpost's own; UPDATE_DOCS=1 writes the list again (then run Prettier). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '../../../src/telemetry/gauges.js';
import { registry } from '../../../src/telemetry/metrics.js';

const path = join(__dirname, '../../../docs/operations.md');
const [BEGIN, END] = ['<!-- metrics -->', '<!-- /metrics -->'];

/** Labels are known of a metric only by its definition, which prom-client keeps to itself. */
const labelsOf = (name: string): string[] =>
  (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames;

test('the metrics that there are', async () => {
  const metrics = await registry.getMetricsAsJSON();
  const rows = metrics.map(({ name, type, help }) => {
    const labels = labelsOf(name).map((label) => `\`${label}\``);
    return [`\`${name}\``, String(type), labels.join(', '), help];
  });
  if (process.env.UPDATE_DOCS === '1') write(rows);
  const page = readFileSync(path, 'utf8');
  const table = page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)).trim();
  const [, , ...written] = table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(written).toEqual(rows);
});

function write(rows: readonly string[][]): void {
  const page = readFileSync(path, 'utf8');
  const lines = [['Metric', 'Type', 'Labels', 'Meaning'], ['---', '---', '---', '---'], ...rows];
  const table = lines.map((row) => `| ${row.join(' | ')} |`).join('\n');
  const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
  writeFileSync(path, `${head}\n\n${table}\n\n${page.slice(page.indexOf(END))}`);
}
