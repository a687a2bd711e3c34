/** Files that the documentation names are there. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../../..');
const pages = [
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
];
const PATH =
  /(?<=`)(?:src|test|tools|deploy|dashboard|scripts|\.ci)\/[\w./-]+\.(?:ts|tsx|mjs|cjs|json|yaml|yml|sh|sql)(?=`)/g;

test.each(pages.filter((page) => page.endsWith('.md')))('names no missing file in %s', (page) => {
  const named = readFileSync(join(root, page), 'utf8').match(PATH) ?? [];
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
