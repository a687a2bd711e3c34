/** The programs of a Temporal cluster: its server, and the tool that creates its schema in PostgreSQL. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '#src/config/config.js';
import { fetchOnce } from '#src/embedded/fetch-once.js';
import { goBuild } from '#src/embedded/go-build.js';
import type { Log } from '#src/embedded/log.js';
import { serverEnvironment } from '#src/embedded/server-process.js';
import { OperatorError } from '#src/lib/errors.js';

const run = promisify(execFile);

const MODULE = 'go.temporal.io/server';
/** The release of docker-compose.yml; another one to try a cluster with. */
const VERSION = process.env.TEMPORAL_SERVER_VERSION || '1.32.1';

/** Paths of the programs. */
export interface TemporalPrograms {
  readonly server: string;
  readonly sqlTool: string;
}

/** The programs of an earlier run, or built now with Go, which takes some minutes. */
export async function temporalPrograms(log: Log): Promise<TemporalPrograms> {
  const folder = join(loadConfig().cacheDir, `temporal-server-${VERSION}`);
  const inFolder = (at: string): TemporalPrograms => ({ server: join(at, 'server'), sqlTool: join(at, 'sql') });
  const failures = await fetchOnce({
    what: 'the Temporal server',
    folder,
    async check(where) {
      for (const program of Object.values(inFolder(where)) as string[])
        await run(program, ['--version'], { env: serverEnvironment() });
    },
    ways: [
      {
        name: `Go, ${MODULE}@v${VERSION}`,
        fetch: (folder) =>
          goBuild({
            what: `the Temporal server ${VERSION}`,
            module: MODULE,
            version: VERSION,
            folders: ['cmd/server', 'cmd/tools/sql'],
            folder,
            log,
          }),
      },
    ],
    log,
  });
  if (failures === undefined) return inFolder(folder);
  throw new OperatorError(
    ['The Temporal server could not be built:', ...failures].join('\n  - '),
    'Install Go 1.26 or newer, and run it again.',
  );
}
