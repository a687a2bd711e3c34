import { access, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchOnce, type Way } from '../../../src/embedded/fetch-once.js';
import { memoryLog, temporaryFolder, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();

async function fetching(ways: Way[], cache?: string) {
  const folder = join(cache ?? (await temporaryFolder(undo)), 'tool');
  const check = (where: string) => access(join(where, 'tool'));
  return { folder, failures: await fetchOnce({ what: 'the tool', folder, check, ways, log: memoryLog() }) };
}

const works: Way = { name: 'good', fetch: (folder) => writeFile(join(folder, 'tool'), 'good') };
const fails: Way = { name: 'bad', fetch: () => Promise.reject(new Error('no\nluck')) };
const cheats: Way = { name: 'empty', fetch: async () => undefined };

test('takes the first way that works, and nothing of the others', async () => {
  const { folder, failures } = await fetching([fails, cheats, works]);
  expect(failures).toBeUndefined();
  expect(await readFile(join(folder, 'tool'), 'utf8')).toBe('good');
  expect(await readdir(join(folder, '..'))).toEqual(['tool']);
});

test('says what went wrong with every way', async () => {
  const { failures } = await fetching([fails, cheats]);
  expect(failures).toEqual(['bad: no luck', expect.stringMatching(/^empty: ENOENT/)]);
});

test('fetches once, however many want it', async () => {
  const cache = await temporaryFolder(undo);
  const fetch = jest.fn((folder: string) => works.fetch(folder));
  await Promise.all(Array.from({ length: 3 }, () => fetching([{ ...works, fetch }], cache)));
  await fetching([{ ...works, fetch }], cache);
  expect(fetch).toHaveBeenCalledTimes(1);
});
