/**
 * What a release has written must stay: its migrations were run on databases, and workflows with its histories are running.
 * `test/releases` has the SHA-256 of each file of both, by release; `RECORD_RELEASE=1` adds the version of package.json.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPackage } from '../../src/lib/package.js';

const root = join(__dirname, '../..');
const releases = join(root, 'test/releases');
const parts = { migrations: 'src/store/migrations', histories: 'test/histories' } as const;

type Part = keyof typeof parts;
type Release = Record<Part, Record<string, string>>;

/** The files of a part with their hashes, in the sequence of their names. */
function filesOf(part: Part): Record<string, string> {
  const folder = join(root, parts[part]);
  const names = readdirSync(folder).sort();
  const hash = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(names.map((name) => [name, hash(name)]));
}

const now: Release = { migrations: filesOf('migrations'), histories: filesOf('histories') };
if (process.env.RECORD_RELEASE === '1') record();

const recorded = readdirSync(releases).map((file): [string, Release] => [
  file.replace(/\.json$/, ''),
  JSON.parse(readFileSync(join(releases, file), 'utf8')),
]);

test('one release is recorded', () => expect(recorded).not.toEqual([]));

describe.each(recorded)('release %s', (_, release) => {
  test.each(Object.keys(parts) as Part[])('its %s are as they were', (part) => {
    expect(now[part]).toMatchObject(release[part]);
  });

  test('its migrations come before every newer one', () => {
    const released = Object.keys(release.migrations);
    expect(Object.keys(now.migrations).slice(0, released.length)).toEqual(released);
  });
});

function record(): void {
  const file = join(releases, `${readPackage().version}.json`);
  if (existsSync(file)) throw new Error(`${file} is there already: a release is recorded once, when it is tagged`);
  writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
}
