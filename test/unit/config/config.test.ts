import { readPackage } from '../../../src/lib/package.js';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { rootCertificates } from 'node:tls';
import { WORKER_CAPACITY } from '../../../src/workflows/limits.js';
import { ConfigError, fileVariables, loadConfig, settings } from '../../../src/config/config.js';
import { defaultCacheDir, defaultDataDir } from '../../../src/config/defaults.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function problems(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('without any setting', () => {
  test('is all embedded, on this machine only', () => {
    expect(loadConfig({ XDG_CACHE_HOME: '/caches' })).toEqual({
      api: {
        host: '127.0.0.1',
        port: 8080,
        maxBodyBytes: 5_242_880,
        maxCommitBytes: 20_971_520,
        maxSubscriptions: 500,
        unknownEventTypes: 'refuse',
        publicCatalogue: false,
        sessionHours: 12,
        portal: { name: 'Webhooks', colors: {}, words: {}, frameAncestors: [] },
        trustProxy: [],
        shutdownDelayS: 5,
      },
      workflows: 'adaptive',
      client: {},
      dataDir: resolve(__dirname, '../../../.pigeonpost'),
      cacheDir: expect.stringMatching(/pigeonpost$/),
      temporal: { embedded: true },
      temporalPort: 7233,
      temporalRetentionDays: 3,
      temporalUiPort: 8233,
      temporalUiUrl: 'http://localhost:8233',
      egress: { allowNetworks: ['127.0.0.0/8', '::1/128'], allowHttp: true, resolve: [] },
      maxConcurrentAttempts: 50,
      retentionDays: 90,
      idempotencyHours: 24,
      auditDays: 365,
      encryptPayloads: false,
      metrics: { open: false },
      databaseConnections: 20,
      traced: false,
      logLevel: 'info',
    });
  });

  test('takes an empty setting for an unset one', () => {
    const names = settings.map(({ name }) => name);
    expect(loadConfig(Object.fromEntries(names.map((name) => [name, ' '])))).toEqual(loadConfig({}));
  });

  test.each([
    ['linux', { XDG_CACHE_HOME: '/caches' }, /^\/caches\/pigeonpost$/],
    ['linux', {}, /\/\.cache\/pigeonpost$/],
    ['darwin', { XDG_CACHE_HOME: '/caches' }, /\/Library\/Caches\/pigeonpost$/],
    ['win32', { LOCALAPPDATA: '/local' }, /^\/local\/pigeonpost$/],
  ] as const)('keeps fetched programs where %s does with %j', (platform, env, expected) => {
    expect(defaultCacheDir(env, platform)).toMatch(expected);
  });

  test.each([
    ['linux', { XDG_DATA_HOME: '/data' }, /^\/data\/pigeonpost$/],
    ['linux', {}, /\/\.local\/share\/pigeonpost$/],
    ['darwin', { XDG_DATA_HOME: '/data' }, /\/Library\/Application Support\/pigeonpost$/],
    ['win32', { LOCALAPPDATA: '/local' }, /^\/local\/pigeonpost\/data$/],
  ] as const)('keeps data outside of an installed package on %s with %j', (platform, env, expected) => {
    const installed = join(folder, 'node_modules', 'pigeonpost');
    mkdirSync(join(installed, 'src'), { recursive: true });
    expect(defaultDataDir(env, platform, installed)).toMatch(expected);
    // Unpacked by hand.
    expect(defaultDataDir(env, platform, folder)).toMatch(expected);
  });
});

describe('what may be contacted', () => {
  test.each([
    [{}, ['127.0.0.0/8', '::1/128'], true],
    [{ DATABASE_URL: 'postgres://db/x' }, [], false],
    [{ TEMPORAL_ADDRESS: 'temporal:7233' }, [], false],
    [{ PIGEONPOST_ALLOW_NETWORKS: 'none', PIGEONPOST_ALLOW_HTTP: 'false' }, [], false],
    [
      { DATABASE_URL: 'postgres://db/x', PIGEONPOST_ALLOW_NETWORKS: '10.0.0.0/8, 192.168.1.1,fd00::/8,::1' },
      ['10.0.0.0/8', '192.168.1.1/32', 'fd00::/8', '::1/128'],
      false,
    ],
  ])('%j', (env, allowNetworks, allowHttp) => {
    expect(loadConfig(env).egress).toMatchObject({ allowNetworks, allowHttp });
  });

  test.each(['10.0.0.0/33', '10/8', 'fe80::1%eth0', '300.1.1.1', 'example.com', '10.0.0.0/8/8', '10.0.0.0/', '::/129'])(
    'refuses %s as a network',
    (text) => {
      expect(problems({ PIGEONPOST_ALLOW_NETWORKS: `10.0.0.0/8,${text}` })).toEqual([
        expect.stringContaining(`"${text}"`),
      ]);
    },
  );

  test('takes no limit beyond what a worker gives one subscription alone', () => {
    const most = WORKER_CAPACITY / 2;
    expect(loadConfig({ PIGEONPOST_MAX_CONCURRENT_ATTEMPTS: String(most) }).maxConcurrentAttempts).toBe(most);
    expect(problems({ PIGEONPOST_MAX_CONCURRENT_ATTEMPTS: String(most + 1) })).toEqual([
      expect.stringContaining(`from 1 to ${most}`),
    ]);
  });

  test('reads pinned addresses', () => {
    expect(loadConfig({ PIGEONPOST_RESOLVE: 'Hooks.example:443:10.0.0.9,b:80:[::1]:8443' }).egress.resolve).toEqual([
      { host: 'hooks.example', port: 443, address: '10.0.0.9' },
      { host: 'b', port: 80, address: '::1', targetPort: 8443 },
    ]);
  });

  test.each(['hooks.example:443', 'a:443:b', 'a:0:10.0.0.1', 'a:443:10.0.0.1:70000', 'a:443:::1', 'a:443:[10.0.0.1]'])(
    'refuses %s as a pin',
    (text) => expect(problems({ PIGEONPOST_RESOLVE: text })).toEqual([expect.stringContaining('host:port:address')]),
  );

  test('reads and checks certificate authorities', () => {
    const pem = `${rootCertificates[0]}\n${rootCertificates[1]}\n`;
    expect(loadConfig({ PIGEONPOST_CA_FILE: file('good.pem', `# two\n${pem}`) }).egress.extraCa).toBe(pem);
    const broken = file('broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    expect(problems({ PIGEONPOST_CA_FILE: broken })).toEqual([expect.stringContaining('is broken')]);
    expect(problems({ PIGEONPOST_CA_FILE: file('key.pem', 'no') })).toEqual([
      expect.stringContaining('no certificate'),
    ]);
    expect(problems({ PIGEONPOST_CA_FILE: '/no/where' })).toEqual([expect.stringContaining('ENOENT')]);
  });
});

describe('Temporal', () => {
  test('is external with an address', () => {
    const config = loadConfig({ TEMPORAL_ADDRESS: 'temporal:7233', HOME: folder });
    expect(config.temporal).toEqual({
      embedded: false,
      connectionOptions: { address: 'temporal:7233' },
      namespace: 'default',
    });
    expect(config.temporalUiUrl).toBeUndefined();
  });

  test('takes API key, namespace and TLS settings', () => {
    const { temporal } = loadConfig({
      TEMPORAL_ADDRESS: 'temporal:7233',
      TEMPORAL_NAMESPACE: 'mail.a1b2c',
      TEMPORAL_API_KEY: 'secret',
      TEMPORAL_TLS: 'yes',
      TEMPORAL_TLS_SERVER_NAME: 'inside',
      HOME: folder,
    });
    expect(temporal).toMatchObject({
      namespace: 'mail.a1b2c',
      connectionOptions: { apiKey: 'secret', tls: { serverNameOverride: 'inside' } },
    });
  });

  test('is external with a profile of a configuration file', () => {
    const TEMPORAL_CONFIG_FILE = file(
      'temporal.toml',
      '[profile.mail]\naddress = "a:1"\nnamespace = "n"\n[profile.empty]\n',
    );
    expect(loadConfig({ TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE: 'mail' }).temporal).toEqual({
      embedded: false,
      connectionOptions: { address: 'a:1' },
      namespace: 'n',
    });
    const problem = (profile: string) => problems({ TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE: profile });
    expect(problem('other')).toEqual([expect.stringContaining("Profile 'other' not found")]);
    expect(problem('empty')).toEqual([expect.stringContaining('no server address')]);
    expect(problems({ TEMPORAL_CONFIG_FILE: '/no/where' })).toEqual([expect.stringContaining('there is none')]);
  });

  test('a worker has a build of a deployment, by default that of the package', () => {
    const at = { TEMPORAL_ADDRESS: 'temporal:7233', PIGEONPOST_WORKER_DEPLOYMENT: 'my-shop' };
    expect(loadConfig(at).workerVersion).toEqual({ deploymentName: 'my-shop', buildId: readPackage().version });
    expect(loadConfig({ TEMPORAL_ADDRESS: 'temporal:7233' }).workerVersion).toBeUndefined();
    // Temporal refuses it, and a worker would get nothing.
    expect(problems({ ...at, PIGEONPOST_WORKER_DEPLOYMENT: 'my.shop' })).toEqual([
      expect.stringContaining('PIGEONPOST_WORKER_DEPLOYMENT'),
    ]);
  });

  test('refuses what would silently connect otherwise than meant', () => {
    expect(problems({ TEMPORAL_API_KEY: 'secret' })).toEqual([expect.stringContaining('without TEMPORAL_ADDRESS')]);
    const external = { TEMPORAL_ADDRESS: 'a:1', HOME: folder };
    expect(problems({ ...external, TEMPORAL_TLS: 'perhaps' })).toEqual([expect.stringContaining('true or false')]);
    expect(problems({ ...external, TEMPORAL_TLS_CLIENT_CERT_DATA: 'x' })).toEqual([expect.stringContaining('both')]);
    expect(problems({ TEMPORAL_ADDRESS: 'http://a:1', HOME: folder })).toEqual([expect.stringContaining('host:port')]);
  });
});

describe('what is wrong', () => {
  test('is reported all at once, one line each', () => {
    const env = { PIGEONPOST_PORT: 'abc', DATABASE_URL: 'mysql://u:hush@db/x', PIGEONPOST_LOG_LEVEL: 'loud' };
    expect(() => loadConfig(env)).toThrow(
      [
        '3 settings are wrong:',
        '  PIGEONPOST_PORT is "abc": write a port number from 0 to 65535.',
        '  PIGEONPOST_LOG_LEVEL is "loud": write one of fatal, error, warn, info, debug, trace, silent.',
        '  DATABASE_URL cannot be used: write a URL like postgres://user:password@host:5432/database.',
      ].join('\n'),
    );
  });

  test.each([
    ['PIGEONPOST_ADMIN_KEY', 'short-and-hushed'.slice(1)],
    ['PIGEONPOST_ENCRYPTION_KEY', 'c2hvcnQ='],
    ['PIGEONPOST_ENCRYPTION_KEY', `${'A'.repeat(42)}*=`],
  ])('does not show the value of %s', (name, value) => {
    const [problem, ...more] = problems({ [name]: value });
    expect(more).toEqual([]);
    expect(problem).toContain(name);
    expect(problem).not.toContain(value);
  });

  test.each([
    ['PIGEONPOST_PORT', '65536'],
    ['PIGEONPOST_POSTGRES_PORT', '0'],
    ['PIGEONPOST_MAX_BODY_BYTES', '1023'],
    ['PIGEONPOST_MAX_BODY_BYTES', '5e6'],
    ['PIGEONPOST_HOST', '127.0.0.1:8080'],
    ['PIGEONPOST_ALLOW_HTTP', 'perhaps'],
    ['PIGEONPOST_TEMPORAL_UI_URL', 'temporal.example.com'],
    ['PIGEONPOST_TEMPORAL_CLI', '/no/where'],
    ['PIGEONPOST_TEMPORAL_CLI', tmpdir()],
  ])('%s is not %s', (name, value) => {
    expect(problems({ [name]: value })).toEqual([expect.stringContaining(`${name} is "${value}": write `)]);
  });

  test('includes names that are no settings', () => {
    expect(problems({ PIGEONPOST_LOGLEVEL: 'info', PIGEONPOST_TEST_DATABASE_URL: 'set by the tests' })).toEqual([
      'PIGEONPOST_LOGLEVEL is not a setting: did you mean PIGEONPOST_LOG_LEVEL?',
    ]);
  });

  test('does not include what Kubernetes sets for a Service, but explains it', () => {
    const env = { PIGEONPOST_SERVICE_HOST: '10.0.0.1', PIGEONPOST_PORT_8080_TCP_ADDR: '10.0.0.1' };
    expect(problems({ ...env, PIGEONPOST_API_PORT: 'tcp://10.0.0.1:80' })).toEqual([]);
    expect(problems({ PIGEONPOST_PORT: 'tcp://10.0.0.1:80' })).toEqual([expect.stringContaining('Kubernetes')]);
  });

  test('includes two servers on one port', () => {
    expect(problems({ PIGEONPOST_PORT: '7233' })).toEqual([
      'PIGEONPOST_TEMPORAL_PORT and PIGEONPOST_PORT are both 7233: give each a port of its own',
    ]);
    expect(problems({ PIGEONPOST_PORT: '7233', TEMPORAL_ADDRESS: 'a:7233', HOME: folder })).toEqual([]);
  });
});

describe('secrets in files', () => {
  const KEY = 'a-key-from-a-file';

  test.each(fileVariables)('%s is read', (variable) => {
    const secret = {
      DATABASE_URL_FILE: 'postgres://u:p@db/x',
      PIGEONPOST_EGRESS_PROXY_FILE: 'http://u:p@proxy:3128',
      PIGEONPOST_ENCRYPTION_KEY_FILE: randomBytes(32).toString('base64'),
      PIGEONPOST_ENCRYPTION_KEY_PREVIOUS_FILE: randomBytes(32).toString('base64'),
      PIGEONPOST_SMTP_URL_FILE: 'smtps://u:p@mail',
    }[variable];
    const env = { TEMPORAL_ADDRESS: 'temporal:7233', HOME: folder, PIGEONPOST_MAIL_FROM: 'a@example.com' };
    const value = secret ?? KEY;
    const name = variable.replace(/_FILE$/, '');
    expect(loadConfig({ ...env, [variable]: file(variable, `${value}\n`) })).toEqual(
      loadConfig({ ...env, [name]: value }),
    );
    expect(loadConfig({ ...env, [variable]: ' ' })).toEqual(loadConfig(env));
  });

  test.each([
    ['', 'the file is empty'],
    [undefined, 'write the path of a file that can be read (ENOENT'],
  ])('a file with %p is refused', (text, expected) => {
    const path = text === undefined ? '/no/where' : file('empty', text);
    expect(problems({ PIGEONPOST_ADMIN_KEY_FILE: path })).toEqual([expect.stringContaining(expected)]);
  });

  test('a value and a file are refused, and the value is not shown', () => {
    const env = { PIGEONPOST_ADMIN_KEY: KEY, PIGEONPOST_ADMIN_KEY_FILE: file('key', KEY) };
    expect(problems(env)).toEqual([
      'PIGEONPOST_ADMIN_KEY and PIGEONPOST_ADMIN_KEY_FILE are both set: unset one of them',
    ]);
  });
});

describe('mails', () => {
  const smtp = { PIGEONPOST_SMTP_URL: 'smtp://u:p@mail:587' };

  test('have a server and a sender', () => {
    const from = 'Acme <webhooks@acme.example>';
    expect(loadConfig({ ...smtp, PIGEONPOST_MAIL_FROM: from }).mail).toEqual({ smtpUrl: 'smtp://u:p@mail:587', from });
    expect(loadConfig({ PIGEONPOST_MAIL_FROM: from }).mail).toBeUndefined();
    expect(problems(smtp)).toEqual([expect.stringContaining('PIGEONPOST_MAIL_FROM is missing')]);
  });

  test.each(['Acme', 'Acme <acme>', 'a@b.example, c@d.example', 'A "B" <a@b.example>', 'a@b.example\nX: y'])(
    'cannot be from %j',
    (from) => {
      expect(problems({ ...smtp, PIGEONPOST_MAIL_FROM: from })).toEqual([expect.stringContaining('write an address')]);
    },
  );

  test('are sent by SMTP', () => {
    expect(problems({ PIGEONPOST_SMTP_URL: 'https://mail', PIGEONPOST_MAIL_FROM: 'a@b.example' })).toEqual([
      expect.stringContaining('write a URL like smtps://'),
    ]);
  });
});

describe('OpenID Connect', () => {
  const oidc = {
    PIGEONPOST_OIDC_ISSUER: 'https://login.example.com/realms/acme',
    PIGEONPOST_OIDC_CLIENT_ID: 'pigeonpost',
    PIGEONPOST_OIDC_ACCESS: 'groups=webhook-admins:admin, urn:dept=a=b:c:read',
  };

  test('has a provider, a client and who may sign in', () => {
    expect(loadConfig(oidc).api.oidc).toEqual({
      ...{ issuer: 'https://login.example.com/realms/acme', clientId: 'pigeonpost' },
      ...{ scopes: 'openid profile email', name: 'OpenID Connect' },
      access: [
        { claim: 'groups', value: 'webhook-admins', scope: 'admin' },
        { claim: 'urn:dept', value: 'a=b:c', scope: 'read' },
      ],
    });
    expect(loadConfig({ ...oidc, PIGEONPOST_OIDC_CLIENT_SECRET: 's' }).api.oidc?.clientSecret).toBe('s');
    expect(loadConfig({ PIGEONPOST_OIDC_CLIENT_ID: 'x' }).api.oidc).toBeUndefined();
  });

  test.each([
    [{ PIGEONPOST_OIDC_CLIENT_ID: '' }, 'PIGEONPOST_OIDC_CLIENT_ID is missing'],
    [{ PIGEONPOST_OIDC_ACCESS: '' }, 'PIGEONPOST_OIDC_ACCESS is missing'],
    [{ PIGEONPOST_OIDC_ACCESS: 'webhook-admins:admin' }, 'not "webhook-admins:admin"'],
    [{ PIGEONPOST_OIDC_ACCESS: 'groups=admins:publish' }, 'write claims with the scope'],
    [{ PIGEONPOST_OIDC_ISSUER: 'http://login.example.com' }, 'write a URL like https://'],
    [{ PIGEONPOST_OIDC_ISSUER: 'https://login.example.com/?a=b' }, 'write a URL like https://'],
    [{ PIGEONPOST_OIDC_SCOPES: 'profile' }, 'write scopes such as openid'],
  ])('is checked: %j', (change, expected) => {
    expect(problems({ ...oidc, ...change })).toEqual([expect.stringContaining(expected)]);
  });

  test('may be plain on this machine', () => {
    expect(problems({ ...oidc, PIGEONPOST_OIDC_ISSUER: 'http://localhost:8081/realms/acme' })).toEqual([]);
  });
});

test('the admin key is no metrics key', () => {
  const key = '0123456789abcdef';
  expect(problems({ PIGEONPOST_ADMIN_KEY: key, PIGEONPOST_METRICS_KEY: key })).toEqual([
    expect.stringContaining('make another key for metrics'),
  ]);
  expect(loadConfig({ PIGEONPOST_METRICS_KEY: key }).metrics.key).toBe(key);
});

describe('values', () => {
  test('are converted', () => {
    const key = randomBytes(32).toString('base64');
    const config = loadConfig({
      PIGEONPOST_HOST: '[::]',
      PIGEONPOST_PORT: '0',
      PIGEONPOST_ADMIN_KEY: '0123456789abcdef',
      PIGEONPOST_DATA_DIR: 'data',
      PIGEONPOST_CACHE_DIR: 'cache',
      PIGEONPOST_POSTGRES_PORT: '5555',
      PIGEONPOST_TEMPORAL_UI_PORT: '9000',
      PIGEONPOST_TEMPORAL_CLI: process.execPath,
      PIGEONPOST_METRICS_PORT: '9464',
      PIGEONPOST_METRICS_OPEN: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      PIGEONPOST_ENCRYPTION_KEY: key,
      PIGEONPOST_ENCRYPTION_KEY_PREVIOUS: `${key}, ${key}`,
    });
    expect(config).toMatchObject({
      api: { host: '::', port: 0, adminKey: '0123456789abcdef' },
      dataDir: resolve('data'),
      cacheDir: resolve('cache'),
      postgresPort: 5555,
      temporalUiUrl: 'http://localhost:9000',
      temporalCli: process.execPath,
      metrics: { port: 9464, open: true },
      traced: true,
    });
    expect(config.encryptionKey?.toString('base64')).toBe(key);
    expect(config.previousEncryptionKeys?.map((previous) => previous.toString('base64'))).toEqual([key, key]);
  });
});

test('describes every setting once, in a sentence', () => {
  expect(new Set(settings.map(({ name }) => name)).size).toBe(settings.length);
  for (const { description } of settings) expect(description).toMatch(/^[A-Z].*\.$/);
});
