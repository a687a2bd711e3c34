const swc = ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }];

/** Published as ES modules only, or importing at run time: Jest can load neither as they are. */
const asSources = 'svix-latest|node-pg-migrate|@bomb\\.sh/tab|@opentelemetry/otlp-exporter-base';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Starts what tests share: PostgreSQL, and the programs of Temporal.
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFiles: ['<rootDir>/test/support/properties.ts'],
  transform: { '^.+\\.ts$': swc, [`/node_modules/(${asSources})/.+\\.m?js$`]: swc },
  transformIgnorePatterns: [`/node_modules/(?!(${asSources})/)`],
  // TypeScript sources import each other with the .js suffix that Node needs.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testTimeout: 60_000,
  // A test that fails may leave a burst or a server open, and nobody would be told of it for as long as that stays so.
  forceExit: true,
};
