/** Every alert links to its runbook, which names it; every metric, setting and command that runbooks name is there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import '../../../src/telemetry/gauges.js';
import { fileVariables, settings } from '../../../src/config/config.js';
import { registry } from '../../../src/telemetry/metrics.js';

const root = join(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/runbooks.md');

/** The text of each section, by its anchor on the page. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const [title = ''] = text.split('\n');
      return [
        title
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
        text,
      ];
    }),
);

interface Rule {
  readonly alert: string;
  readonly annotations: { readonly runbook?: string };
}
const { groups } = parse(read('deploy/prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] };

test.each(groups.flatMap(({ rules }) => rules))('$alert has a runbook', ({ alert, annotations: { runbook = '' } }) => {
  const [file, anchor = ''] = runbook.split('#');
  expect(file).toBe('docs/runbooks.md');
  expect(sections.get(anchor)).toContain(alert);
});

test('names metrics and settings that there are', () => {
  const metrics = page.match(/(?<=`)pigeonpost_\w+/g) ?? [];
  expect(metrics.filter((name) => !registry.getSingleMetric(name.replace(/_bucket$/, '')))).toEqual([]);
  const known = [...settings.map(({ name }) => name), ...fileVariables];
  expect((page.match(/PIGEONPOST_\w+/g) ?? []).filter((name) => !known.includes(name))).toEqual([]);
});
