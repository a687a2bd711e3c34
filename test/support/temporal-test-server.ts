import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config } from '../../src/config/config.js';
import { OperatorError } from '../../src/lib/errors.js';
import { fetchOnce, type Way } from '../../src/embedded/fetch-once.js';
import { type Log } from '../../src/embedded/log.js';
import { CommandError, runCommand } from '../../src/embedded/run-command.js';
import { checkBySdk, downloadBySdk } from '../../src/embedded/sdk-download.js';

/** The artifact that is run when none can be downloaded. */
const MAVEN_VERSION = '1.38.0';
/** Of the same series as the artifact's own; without it each start warns that there is no logger. */
const QUIET_LOGGER_VERSION = '1.7.36';
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const MAIN_CLASS = 'io.temporal.testserver.TestServer';
const MAVEN_TIMEOUT_MS = 15 * 60_000;
const VERSION_TIMEOUT_MS = 30_000;
const PROGRAM = process.platform === 'win32' ? 'temporal-test-server.exe' : 'temporal-test-server';
const DOING_DOWNLOAD = "Downloading Temporal's time-skipping test server";
const DOING_MAVEN = "Fetching Temporal's time-skipping test server with Maven";

/**
 * Path of a time-skipping test server for the SDK's `executable: { type: 'existing-path', path }`: the configured one, a
 * cached one, or one that is downloaded now.
 */
export async function findTemporalTestServer(
  config: Pick<Config, 'temporalTestServer' | 'cacheDir'>,
  log: Log,
): Promise<string> {
  if (config.temporalTestServer !== undefined) return config.temporalTestServer;
  const folder = join(config.cacheDir, 'temporal-test-server');
  const failures = await fetchOnce({
    what: "Temporal's time-skipping test server",
    folder,
    // Cached servers were tested when they were downloaded.
    check: async (where) => accessSync(join(where, PROGRAM), constants.X_OK),
    ways: [download(log), maven(log)],
    log,
  });
  if (failures === undefined) return join(folder, PROGRAM);
  throw new OperatorError(
    ["Temporal's time-skipping test server could not be fetched:", ...failures].join('\n  - '),
    'Install Maven and a JDK and start again, or set PIGEONPOST_TEMPORAL_TEST_SERVER to the path of a test server.',
  );
}

function download(log: Log): Way {
  return {
    name: 'download',
    fetch: (folder) => downloadBySdk('createTimeSkipping', folder, PROGRAM, DOING_DOWNLOAD, log),
  };
}

function maven(log: Log): Way {
  return {
    name: `Maven, io.temporal:temporal-test-server:${MAVEN_VERSION}`,
    fetch: async (folder) => {
      await copyJars(folder, log);
      await writeFile(join(folder, PROGRAM), wrapper(), { mode: 0o755 });
      await checkBySdk('createTimeSkipping', join(folder, PROGRAM), log);
    },
  };
}

async function copyJars(folder: string, log: Log): Promise<void> {
  if (process.platform === 'win32') throw new CommandError('only possible where there are shell scripts');
  for (const [program, name] of [
    ['java', 'a JDK'],
    ['mvn', 'Maven'],
  ] as const) {
    const options = { doing: DOING_MAVEN, log, timeoutMs: VERSION_TIMEOUT_MS };
    await runCommand(program, ['-version'], options).catch((error: unknown) => {
      throw new CommandError(`${name} is not installed`, { cause: error });
    });
  }
  log.info(DOING_MAVEN);
  const project = join(folder, 'pom.xml');
  await mkdir(join(folder, 'jars'));
  await writeFile(project, pom());
  const goal = `${DEPENDENCY_PLUGIN}:copy-dependencies`;
  const settings = [`-DoutputDirectory=${join(folder, 'jars')}`, '-DincludeScope=runtime'];
  await runCommand('mvn', ['--batch-mode', '--quiet', '--file', project, goal, ...settings], {
    doing: DOING_MAVEN,
    log,
    timeoutMs: MAVEN_TIMEOUT_MS,
  });
}

function pom(): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pigeonpost</groupId>
  <artifactId>temporal-test-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${MAVEN_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>${QUIET_LOGGER_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
}

/** Started often and for a short time, so its compiler does not optimize. */
function wrapper(): string {
  return `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec "\${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$here/jars/*" ${MAIN_CLASS} "$@"
`;
}
