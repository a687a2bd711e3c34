import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findTemporalCli, tooOld } from '../../../src/embedded/temporal-binary.js';
import { memoryLog, temporaryFolder, undoAfterEach } from '../../support/embedded.js';

const undo = undoAfterEach();
const GOOD = 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)';
const OLD = 'temporal version 1.0.0 (Server 1.24.2, UI 2.28.0)';

/** A program `temporal` that prints this. */
async function program(folder: string, prints: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'temporal');
  await writeFile(path, `#!/bin/sh\necho "${prints}"\n`);
  await chmod(path, 0o755);
  return path;
}

test.each([
  [GOOD, undefined],
  ['temporal version 1.3.0 (Server 1.28.0, UI 2.37.0)', undefined],
  ['temporal version 3.0.0 (Server 2.0.0, UI 3.0.0)', undefined],
  [OLD, 'its server 1.24 is older than 1.28'],
  ['GNU something 1.30', 'it is no Temporal CLI with a server ("GNU something 1.30")'],
])('%s', (printed, problem) => expect(tooOld(`${printed}\n`)).toBe(problem));

describe('the Temporal CLI', () => {
  test('is the configured one, if that can be used', async () => {
    const folder = await temporaryFolder(undo);
    const [good, old] = [await program(join(folder, 'good'), GOOD), await program(join(folder, 'old'), OLD)];
    const find = (temporalCli: string) => findTemporalCli({ temporalCli, cacheDir: folder }, memoryLog());
    expect(await find(good)).toBe(good);
    await expect(find(old)).rejects.toThrow(
      `The Temporal CLI ${old} cannot be used: its server 1.24 is older than 1.28.`,
    );
  });

  test('is else the one on the PATH', async () => {
    const folder = await temporaryFolder(undo);
    const good = await program(join(folder, 'bin'), GOOD);
    const env = { PATH: `/no/where::${join(folder, 'bin')}` };
    expect(await findTemporalCli({ cacheDir: folder }, memoryLog(), env)).toBe(good);
  });

  test('is else the one fetched earlier, also when the one on the PATH is too old', async () => {
    const folder = await temporaryFolder(undo);
    const cached = await program(join(folder, 'temporal-cli-1.9'), GOOD);
    const old = await program(join(folder, 'bin'), OLD);
    const log = memoryLog();
    expect(await findTemporalCli({ cacheDir: folder }, log, { PATH: join(folder, 'bin') })).toBe(cached);
    expect(log.lines).toEqual([`${old} is not used: its server 1.24 is older than 1.28`]);
  });
});
