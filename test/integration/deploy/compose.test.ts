/** The files of docs/deployment.md, as far as they can be checked where no container engine runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { loadConfig, settings } from '../../../src/config/config.js';
import { searchAttributes } from '../../../src/workflows/names.js';
import { orSkip } from '../../support/installed.js';
import { composeReader, PREPARING_MS } from './compose-reader.js';

const root = resolve(__dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Service {
  image?: string;
  build?: string;
  pull_policy?: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  profiles?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; timeout: string; retries: number };
  restart?: string;
  stop_grace_period?: string;
}
interface Compose {
  services: Record<string, Service>;
  networks?: Record<string, { internal?: boolean } | null>;
  volumes?: Record<string, null>;
}

const OWN_FILE = 'docker-compose.yml';
const EXTERNAL_FILE = 'deploy/external-temporal.yml';

/** Reads a compose file as Compose does: with `${NAME:-default}` and `${NAME:?advice}` replaced. */
function compose(path: string, env: NodeJS.ProcessEnv = {}): Compose {
  const innermost = /\$\{(?<name>\w+)(?::(?<kind>[-?])(?<word>[^${}]*))?\}/;
  let text = read(path).replace(/^\s*#.*$/gm, '');
  for (let found = innermost.exec(text); found; found = innermost.exec(text)) {
    const { name = '', kind, word = '' } = found.groups ?? {};
    const value = env[name] || (kind === '-' ? word : undefined);
    if (value === undefined) throw new Error(`${name}: ${word}`);
    text = text.replace(found[0], () => value);
  }
  return parse(text, { merge: true, logLevel: 'error' }) as Compose;
}

/** Names of the variables that a compose file takes from .env. */
function variables(path: string): string[] {
  return [...new Set([...read(path).matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))];
}

/** What an ENV instruction of the Dockerfile sets. */
function imageEnvironment(): Record<string, string> {
  const [, instruction = ''] = /^ENV ((?:.*\\\n)*.*)$/m.exec(read('Dockerfile')) ?? [];
  return Object.fromEntries([...instruction.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name!, value!]));
}

const { services, networks, volumes } = compose(OWN_FILE);
const all = Object.entries(services);
const named = (choose: (service: Service) => boolean) => all.filter(([, service]) => choose(service));
const isOneShot = ({ restart }: Service) => restart === 'no';
const isOurs = ({ image }: Service) => image?.startsWith('pigeonpost:') ?? false;
const settingNames = new Set(settings.map(({ name }) => name));
const { version } = JSON.parse(read('package.json')) as { version: string };

describe('docker-compose.yml', () => {
  test('runs the parts there are', () => {
    expect(Object.keys(services).sort()).toEqual([
      ...['api', 'keys', 'migrate', 'postgres', 'temporal', 'temporal-namespace', 'temporal-schema', 'temporal-ui'],
      'worker',
    ]);
  });

  test.each(all)('pins the image of %s', (_, { image = '' }) => {
    expect(image).toMatch(/^[a-z/-]+:\d+(\.\d+)+(-[a-z]+)?$/);
  });

  test('runs this version, built here', () => {
    const images = named(isOurs).map(([, { image }]) => image);
    expect(new Set(images)).toEqual(new Set([`pigeonpost:${version}`]));
    // Two that build would name the same image at the same time.
    expect(named(({ build }) => build !== undefined)).toEqual([['migrate', expect.objectContaining({ build: '.' })]]);
    for (const [, { pull_policy: policy }] of named(isOurs)) expect(policy).toBe('never');
  });

  test("uses the tools of Temporal's own version", () => {
    const versionOf = (name: string) => services[name]?.image?.split(':')[1];
    expect(versionOf('temporal-schema')).toBe(versionOf('temporal'));
    expect(versionOf('temporal-namespace')).toBe(versionOf('temporal'));
  });

  test.each(named((service) => !isOneShot(service)))('restarts %s and checks its health', (_, service) => {
    expect(service.restart).toBe('unless-stopped');
    expect(service.healthcheck?.test[0]).toBe('CMD');
  });

  test('waits for what a service needs', () => {
    for (const [name, { depends_on: needs = {} }] of all) {
      for (const [other, { condition }] of Object.entries(needs)) {
        const oneShot = isOneShot(services[other]!);
        expect([name, other, condition]).toEqual([
          name,
          other,
          oneShot ? 'service_completed_successfully' : 'service_healthy',
        ]);
      }
    }
    const before = ['keys', 'migrate', 'temporal-namespace'];
    for (const name of ['api', 'worker']) expect(Object.keys(services[name]!.depends_on!).sort()).toEqual(before);
  });

  test('lets a worker finish its attempts', () => {
    expect(parseInt(services.worker!.stop_grace_period!)).toBeGreaterThanOrEqual(160);
  });

  test('publishes the API, and the Temporal UI on this machine only', () => {
    const published = all.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([
      ['api', '0.0.0.0:8080:8080'],
      ['temporal-ui', '127.0.0.1:8233:8080'],
    ]);
    expect(networks?.database?.internal).toBe(true);
  });

  test.each(named(isOurs).filter(([, { entrypoint }]) => !entrypoint))(
    'starts %s by a command there is',
    (_, service) => {
      expect(service.command).toHaveLength(1);
      expect(read('src/cli/commands/processes.ts')).toContain(`.command('${service.command![0]}')`);
    },
  );

  test('takes only what is documented from .env', () => {
    for (const name of [...variables(OWN_FILE), ...variables(EXTERNAL_FILE)]) {
      if (name === 'POSTGRES_PASSWORD') continue;
      expect(settingNames).toContain(name);
    }
    for (const name of [...variables(OWN_FILE), ...variables(EXTERNAL_FILE)]) {
      expect(read('docs/deployment.md')).toContain(`\`${name}\``);
    }
  });

  test.each(named(isOurs))('gives %s settings that there are', (_, { environment = {} }) => {
    // PostgreSQL's client reads the password, which may hold characters that a URL may not.
    const names = Object.keys(environment).filter((name) => name !== 'PGPASSWORD');
    for (const name of [...names, ...Object.keys(imageEnvironment()).filter((name) => name.startsWith('PIGEONPOST_'))])
      expect(settingNames).toContain(name);
    expect(() => loadConfig({ ...imageEnvironment(), ...environment })).not.toThrow();
  });

  test('has the API and the worker use its own PostgreSQL and Temporal, and no key that others know', () => {
    for (const name of ['api', 'worker']) {
      const config = loadConfig({ ...imageEnvironment(), ...services[name]!.environment });
      expect(config).toMatchObject({
        api: { host: '0.0.0.0', port: 8080 },
        dataDir: '/data',
        databaseUrl: 'postgres://pigeonpost@postgres:5432/pigeonpost',
        temporal: { embedded: false, connectionOptions: { address: 'temporal:7233' }, namespace: 'default' },
        temporalUiUrl: 'http://localhost:8233',
        egress: { allowNetworks: [], allowHttp: false },
      });
      expect(config.api.adminKey).toBeUndefined();
      expect(config.encryptionKey).toBeUndefined();
      expect(services[name]!.volumes).toEqual(['keys:/data:ro']);
    }
    expect(services.keys!.volumes).toEqual(['keys:/data']);
  });

  test('takes keys and ports from .env', () => {
    const env = { PIGEONPOST_ADMIN_KEY: 'a-key-of-our-own!', PIGEONPOST_HOST: '127.0.0.1', PIGEONPOST_PORT: '9000' };
    const { api } = compose(OWN_FILE, env).services;
    expect(api!.ports).toEqual(['127.0.0.1:9000:8080']);
    expect(loadConfig({ ...imageEnvironment(), ...api!.environment }).api).toMatchObject({
      port: 8080,
      adminKey: env.PIGEONPOST_ADMIN_KEY,
    });
  });

  test('mounts files and volumes that there are', () => {
    for (const [from = ''] of all.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')))) {
      if (from.startsWith('.')) expect(existsSync(join(root, from))).toBe(true);
      else expect(Object.keys(volumes!)).toContain(from);
    }
  });
});

describe('deploy/external-temporal.yml', () => {
  const env = { TEMPORAL_ADDRESS: 'pigeonpost.abc12.tmprl.cloud:7233', TEMPORAL_NAMESPACE: 'pigeonpost.abc12' };

  test('insists on an address', () => {
    expect(() => compose(EXTERNAL_FILE)).toThrow('TEMPORAL_ADDRESS: set it in .env');
  });

  test('has the API and the worker use that Temporal', () => {
    const { services: changed } = compose(EXTERNAL_FILE, { ...env, TEMPORAL_API_KEY: 'secret' });
    for (const name of ['api', 'worker']) {
      const environment = { ...services[name]!.environment, ...changed[name]!.environment };
      expect(Object.keys(environment).filter((key) => !settingNames.has(key))).toEqual(['PGPASSWORD']);
      expect(loadConfig({ ...imageEnvironment(), ...environment }).temporal).toMatchObject({
        connectionOptions: { address: env.TEMPORAL_ADDRESS, apiKey: 'secret' },
        namespace: env.TEMPORAL_NAMESPACE,
      });
      expect(Object.keys(changed[name]!.depends_on!)).toEqual(['keys', 'migrate']);
    }
  });

  test("omits every part of compose's own Temporal", () => {
    const { services: changed } = compose(EXTERNAL_FILE, env);
    for (const [name] of all.filter(([name]) => name.startsWith('temporal')))
      expect(changed[name]?.profiles).toEqual(['own-temporal']);
  });
});

describe('as Compose reads it', () => {
  const { reader } = composeReader;
  if (reader) {
    beforeAll(() => reader.prepare(), PREPARING_MS);
    afterAll(() => reader.close());
  }
  const read = orSkip(it, reader?.name, composeReader.advice);
  const env = { TEMPORAL_ADDRESS: 'temporal.example:7233', TEMPORAL_NAMESPACE: 'pigeonpost' };

  read.each([
    [OWN_FILE, [OWN_FILE]],
    [EXTERNAL_FILE, [OWN_FILE, EXTERNAL_FILE]],
  ])('%s is valid', (_, files) => {
    expect(reader!.problem(files, env)).toBe('');
  });

  read('is not valid without the address that it insists on', () => {
    expect(reader!.problem([OWN_FILE, EXTERNAL_FILE], { TEMPORAL_NAMESPACE: 'default' })).toContain('TEMPORAL_ADDRESS');
  });
});

describe('what the containers run', () => {
  test.each(['deploy/temporal/schema.sh', 'deploy/temporal/namespace.sh'])('%s is a shell script', (path) => {
    expect(spawnSync('sh', ['-n', join(root, path)]).status).toBe(0);
  });

  test('registers the search attributes that deliveries set', () => {
    const [, list = ''] = /search_attributes='([^']*)'/.exec(read('deploy/temporal/namespace.sh')) ?? [];
    expect(list.split(' ')).toEqual(Object.values(searchAttributes).map(({ name }) => name));
  });

  test('sets what Pigeonpost wants of Temporal', () => {
    const dynamic = parse(read('deploy/temporal/dynamic-config.yaml')) as Record<string, { value: unknown }[]>;
    expect(dynamic['system.enableActivityEagerExecution']).toEqual([{ value: true }]);
    expect(dynamic['frontend.namespaceRPS']![0]!.value).toBeGreaterThan(2_400);
    // The limit of all namespaces together holds for each.
    expect(dynamic['frontend.rps']).toEqual(dynamic['frontend.namespaceRPS']);
  });

  test.each(['make-keys.mjs'])('%s finds what it imports', (name) => {
    const imports = [
      ...read(`deploy/pigeonpost/${name}`).matchAll(/import \{ (.+) \} from '\.\.\/\.\.\/dist\/(.+)\.js'/g),
    ];
    expect(imports.length).toBeGreaterThan(0);
    for (const [, imported = '', path] of imports)
      expect(read(`src/${path}.ts`)).toMatch(new RegExp(`export (async )?(function|const) ${imported}\\b`));
  });
});
