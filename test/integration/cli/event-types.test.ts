import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
let folder: string;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
  folder = await mkdtemp(join(tmpdir(), 'pigeonpost-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});

async function file(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(content));
  return path;
}

test('an event type is put, shown, listed and deleted', async () => {
  const schema = await file('schema.json', { type: 'object', required: ['total'] });
  const options = ['--description', 'Paid', '--group', 'Invoices', '--schema', schema, '--example', '{"total": 1}'];
  expect(await cli.json('event-types', 'put', 'invoice.paid', ...options, '--enforce')).toMatchObject({
    ...{ name: 'invoice.paid', description: 'Paid', group: 'Invoices', enforce: true, version: 1 },
    ...{ schema: { type: 'object', required: ['total'] }, examples: [{ total: 1 }], archived: false },
  });
  await cli.json('event-types', 'put', 'invoice.paid', '--archived');
  expect(await cli.json('event-types', 'show', 'invoice.paid', '--schema-version', '1')).toMatchObject({
    ...{ version: 1, schema: { type: 'object', required: ['total'] } },
  });
  const { out } = await cli.pigeonpost(['event-types', 'list', '--archived']);
  expect(out.split('\n')[0]).toMatch(/^Event type +Group +Version +Schema +Archived +Description$/);
  expect(out).toMatch(/^invoice\.paid +– +2 +no +yes +–$/m);
  const kept = await cli.typing('n\n', ['event-types', 'delete', 'invoice.paid']);
  expect(kept.exitCode).toBe(1);
  expect(kept.err).toContain('Delete event type invoice.paid with the versions of its schema?');
  const deleted = await cli.pigeonpost(['event-types', 'delete', 'invoice.paid', '--yes']);
  expect(deleted).toMatchObject({ exitCode: 0, out: 'deleted invoice.paid' });
  expect((await cli.pigeonpost(['event-types', 'show', 'invoice.paid'])).exitCode).toBe(1);
});

test('an import says what changes, and fails where a webhook was refused', async () => {
  const post = { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } };
  const document = await file('openapi.json', {
    openapi: '3.1.0',
    webhooks: { 'user.created': { post }, 'a b': { post } },
  });
  const dry = await cli.pigeonpost(['event-types', 'import', document, '--dry-run']);
  expect(dry.exitCode).toBe(1);
  expect(dry.out).toMatch(
    /^created {4}user\.created\nrefused {4}a b: name must be .*\nNothing was saved: this was a dry run\.$/,
  );
  expect(await cli.json('event-types', 'list')).toMatchObject({ data: [] });
  await cli.pigeonpost(['event-types', 'import', document]);
  expect(await cli.json('event-types', 'list')).toMatchObject({ data: [{ name: 'user.created' }] });
  const missing = await cli.pigeonpost(['event-types', 'import', join(folder, 'none.json')]);
  expect([missing.exitCode, missing.err]).toEqual([1, expect.stringContaining('none.json')]);
});
