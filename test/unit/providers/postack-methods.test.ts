/**
 * docs/contracts/postack.md lists every method of Svix's clients; UPDATE_DOCS=1 writes the list again (then run Prettier).
 * test/e2e/providers/postack-program.test.ts calls each of them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clients, lines, methodsOf, reasonKeyOf, reasons } from '../../support/svix-methods.js';

const path = join(__dirname, '../../../docs/contracts/postack.md');
const [BEGIN, END] = ['<!-- methods -->', '<!-- /methods -->'];

const byLine = lines.map((line) => methodsOf(new clients[line]('sk_test', { serverUrl: 'http://127.0.0.1:1' })));

/** One row per resource and result; a method that only one line has is followed by the number of that line. */
function tableRows(): string[][] {
  const names = [...new Set(byLine.flatMap((methods) => methods.map(({ name }) => name)))].sort();
  const rows = new Map<string, { resource: string; methods: string[]; result: string }>();
  for (const name of names) {
    const key = reasonKeyOf(name);
    const resource = key?.split('.')[0] ?? name.slice(0, name.lastIndexOf('.'));
    const having = lines.filter((_, index) => byLine[index]!.some((method) => method.name === name));
    const shown = `\`${name.slice(resource.length + 1)}\`${having.length === 1 ? ` (${having[0]}.x)` : ''}`;
    const result = key === undefined ? 'works' : reasons[key]!;
    const row = rows.get(`${resource} ${result}`) ?? { resource, methods: [], result };
    row.methods.push(shown);
    rows.set(`${resource} ${result}`, row);
  }
  return [...rows.values()].map(({ resource, methods, result }) => [`\`${resource}\``, methods.join(', '), result]);
}

test('the documentation lists every method of both clients, and what becomes of it', () => {
  const rows = tableRows();
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

test('no reason is for a method that no client has', () => {
  const used = new Set(byLine.flatMap((methods) => methods.map(({ name }) => reasonKeyOf(name))));
  expect(Object.keys(reasons).filter((key) => !used.has(key))).toEqual([]);
});

function write(rows: readonly string[][]): void {
  const page = readFileSync(path, 'utf8');
  const table = [['Resource', 'Methods', 'Result'], ['---', '---', '---'], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
  const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length);
  writeFileSync(path, `${head}\n\n${table}\n\n${page.slice(page.indexOf(END))}`);
}
