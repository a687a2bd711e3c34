/** The dashboard as Grafana would load it; what it queries is compared with a running system in test/e2e/telemetry. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { orSkip } from '../../support/installed.js';
import { grafanaSchema, PREPARING_MS } from './tools.js';

const DASHBOARD = resolve(__dirname, '../../../deploy/grafana/pigeonpost.json');

const withSchema = orSkip(describe, grafanaSchema.name, grafanaSchema.advice);

withSchema("Grafana's schema", () => {
  let check: string;
  let folder: string;
  beforeAll(() => {
    check = join(grafanaSchema.prepare(), 'grafana');
    folder = mkdtempSync(join(tmpdir(), 'pigeonpost-grafana-'));
  }, PREPARING_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const problems = (path: string): string[] =>
    execFileSync(check, [path], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line !== '');

  test('allows the dashboard, with every field that it requires', () => {
    expect(problems(DASHBOARD)).toEqual([]);
  });

  test('would not allow a field that there is not, or one of another type', () => {
    const path = join(folder, 'wrong.json');
    const wrong = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: { type: string; options: object }[] };
    const panel = wrong.panels.findIndex(({ type }) => type === 'stat');
    Object.assign(wrong, { refreshes: '30s' });
    Object.assign(wrong.panels[panel]!.options, { graphMode: 7 });
    writeFileSync(path, JSON.stringify(wrong));
    expect(problems(path)).toEqual([
      expect.stringContaining(`panels[${panel}].options.graphMode: json: cannot unmarshal number`),
      "Dashboard: unexpected field 'refreshes'",
    ]);
  });
});
