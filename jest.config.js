const { availableParallelism } = require('node:os');

// As src/server/worker.ts sets it, which has no effect on native code inside Jest.
process.env.TEMPORAL_POLL_SHUTDOWN_INTERRUPT_WAIT_MS ??= '1000';

const swc = ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }];

/** Published as ES modules only, or importing at run time: Jest can load neither as they are. */
const asSources =
  'svix-latest|node-pg-migrate|@bomb\\.sh/tab|@opentelemetry/otlp-exporter-base|openid-client|oauth4webapi|jose';

/** One tier of tests. `setup` is the module that starts what its tests share. */
const tier = (name, setup) => ({
  displayName: name,
  testEnvironment: '<rootDir>/test/support/leak-check-environment.ts',
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  ...(setup && {
    globalSetup: `<rootDir>/test/support/${setup}.ts`,
    globalTeardown: '<rootDir>/test/support/stop-postgres.ts',
  }),
  setupFiles: ['<rootDir>/test/support/properties.ts'],
  transform: { '^.+\\.ts$': swc, [`/node_modules/(${asSources})/.+\\.m?js$`]: swc },
  transformIgnorePatterns: [`/node_modules/(?!(${asSources})/)`],
  // TypeScript sources import each other with the .js suffix that Node needs; tools import what is in src.
  moduleNameMapper: {
    // A thread loads its files itself, without Jest.
    '^\\./transformation-process\\.js$': '<rootDir>/test/support/transformation-process.cjs',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^#src/(.*)\\.js$': '<rootDir>/src/$1',
  },
});

/** @type {import('jest').Config} */
module.exports = {
  // `npm test -- unit` runs one of them.
  projects: [
    tier('unit'),
    tier('integration', 'setup-postgres'),
    tier('e2e', 'setup-temporal'),
    tier('browser', 'setup-temporal'),
  ],
  testTimeout: 60_000,
  // Most tests wait for servers: two files at once keep even a machine of two cores busy.
  maxWorkers: Math.max(2, availableParallelism() - 1),
};
