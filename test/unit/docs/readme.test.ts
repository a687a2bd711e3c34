/** The README's table of settings says what the settings say; UPDATE_DOCS=1 writes it anew (then run Prettier). */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settings } from '../../../src/config/config';

const path = join(__dirname, '../../../README.md');
const [BEGIN, END] = ['<!-- settings -->', '<!-- /settings -->'];

const rows = settings.map(({ name, description, default: unset = '' }) => [`\`${name}\``, description, unset]);

test('the README describes every setting', () => {
  if (process.env.UPDATE_DOCS === '1') write();
  const readme = readFileSync(path, 'utf8');
  const table = readme.slice(readme.indexOf(BEGIN) + BEGIN.length, readme.indexOf(END)).trim();
  const [, , ...written] = table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  expect(written).toEqual(rows);
});

function write(): void {
  const readme = readFileSync(path, 'utf8');
  const lines = [['Setting', 'Meaning', 'Default'], ['---', '---', '---'], ...rows].map(
    (row) => `| ${row.join(' | ')} |`,
  );
  const head = readme.slice(0, readme.indexOf(BEGIN) + BEGIN.length);
  writeFileSync(path, `${head}\n\n${lines.join('\n')}\n\n${readme.slice(readme.indexOf(END))}`);
}
