/** The client's types are those of the API's document; `npm run generate-client` writes them again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiWithDatabase } from '../../support/api';

const root = join(__dirname, '../../..');
const kept = join(root, 'src/client/generated.ts');
const HEAD = '/** Types of the API, made of its OpenAPI document by `npm run generate-client`. */\n';

/** Both programs are published as ES modules, which Jest cannot load. */
function run(program: string, args: string[], input = ''): string {
  return execFileSync(process.execPath, [join(root, 'node_modules', program), ...args], {
    cwd: root,
    input,
    encoding: 'utf8',
  });
}

function typesOf(document: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pigeonpost-client-'));
  try {
    const file = join(folder, 'openapi.json');
    const types = join(folder, 'types.ts');
    writeFileSync(file, document);
    run('openapi-typescript/bin/cli.js', [file, '--output', types, '--default-non-nullable', 'false']);
    return run('prettier/bin/prettier.cjs', ['--stdin-filepath', kept], HEAD + readFileSync(types, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the types of the client are those of the API', async () => {
  const api = await startApiWithDatabase();
  const { text } = await api.ask('GET', '/openapi.json').finally(() => api.close());
  const types = typesOf(text);
  if (process.env.UPDATE_CLIENT === '1') writeFileSync(kept, types);
  expect(readFileSync(kept, 'utf8')).toBe(types);
});
