/** The table of settings is generated from the settings; UPDATE_DOCS=1 writes it again (then run Prettier). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileVariables, settings } from '../../../src/config/config.js';

const path = join(__dirname, '../../../docs/settings.md');
const [BEGIN, END] = ['<!-- settings -->', '<!-- /settings -->'];

const rows = settings.map(({ name, description, default: unset = '' }) => [`\`${name}\``, description, unset]);

test('describes every setting', () => {
  if (process.env.UPDATE_DOCS === '1') write();
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

test('names the secrets that may be in files', () => {
  const [before = ''] = readFileSync(path, 'utf8').split(BEGIN);
  expect([...before.matchAll(/`(\w+_FILE)`/g)].map(([, name]) => name).sort()).toEqual([...fileVariables].sort());
});

function write(): void {
  const page = readFileSync(path, 'utf8');
  const lines = [['Setting', 'Meaning', 'Default'], ['---', '---', '---'], ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
  writeFileSync(path, `${head}\n\n${lines.join('\n')}\n\n${page.slice(page.indexOf(END))}`);
}
