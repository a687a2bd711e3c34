/** The lines in docs/clients.md that point a provider's own client at Pigeonpost, run as they are written. */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startApiWithDatabase } from '../../support/api.js';

const run = promisify(execFile);
const root = join(__dirname, '../../..');
const page = readFileSync(join(root, 'docs/clients.md'), 'utf8');
const section = page.slice(page.indexOf("## The provider's own client"), page.indexOf('## TypeScript'));

/** The code of the block behind the line that begins with the provider's name. */
function block(title: string): { language: string; code: string } {
  const [, language = '', code = ''] = /```(\w+)\n([^]*?)```/.exec(section.slice(section.indexOf(`\n${title},`))) ?? [];
  return { language, code };
}

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

test.each([
  ['Postmark', 'postmark', 'https://example.com/postmark'],
  ['postpress', 'postpress', 'https://example.com/postpress'],
  ['Postack', 'postack', 'https://example.com/postack'],
  ['Postscript', 'postscript', 'https://example.com/postscript'],
  ['Bird', 'bird', 'https://example.com/bird'],
])("%s's lines register a webhook", async (title, provider, url) => {
  const { body: account } = await api.ask('POST', '/v1/accounts', { provider, name: title });
  const { language, code } = block(title);
  // Beside node_modules, so that the packages are found.
  const file = join(root, `.clients-${provider}.${language === 'js' ? 'mjs' : 'sh'}`);
  writeFileSync(file, code);
  try {
    await run(language === 'js' ? process.execPath : 'bash', [file], {
      env: {
        ...process.env,
        PIGEONPOST_URL: api.url,
        API_KEY: account.apiKey,
        APP_ID: account.scope.appId,
        ORGANIZATION_ID: account.scope.organizationId,
        WORKSPACE_ID: account.scope.workspaceId,
      },
    });
  } finally {
    rmSync(file);
  }
  const { body } = await api.ask('GET', `/v1/accounts/${account.id}/subscriptions`);
  expect(body.data).toMatchObject([{ url }]);
});
