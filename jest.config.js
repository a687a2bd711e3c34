const swc = ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }];

const asSources = 'node-pg-migrate|@opentelemetry/otlp-exporter-base';

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Starts what tests share: PostgreSQL, and the programs of Temporal.
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFiles: ['<rootDir>/test/support/properties.ts'],
  // node-pg-migrate is published as an ES module only, and OpenTelemetry's exporter imports at run time; Jest can load
  // neither as it is.
  transform: { '^.+\\.ts$': swc, [`/node_modules/(${asSources})/.+\\.js$`]: swc },
  transformIgnorePatterns: [`/node_modules/(?!(${asSources})/)`],
  // TypeScript sources import each other with the .js suffix that Node needs.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testTimeout: 60_000,
};
