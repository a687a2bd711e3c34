/** The Helm chart and the manifests that are made with it, as far as they can be checked where no cluster runs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { fileVariables, loadConfig, settings } from '../../../src/config/config.js';
import { orSkip } from '../../support/installed.js';
import { helmAndKubeconform, kubernetesSchemas, kubernetesVersions, PREPARING_MS } from './tools.js';

const root = resolve(__dirname, '../../..');
const CHART = join(root, 'deploy/helm');
const MANIFESTS = join(root, 'deploy/kubernetes/pigeonpost.yaml');
const PLAIN_VALUES = join(root, 'deploy/kubernetes/values.yaml');

const needed = helmAndKubeconform.name && kubernetesSchemas.name;
const withTools = orSkip(describe, needed, `${helmAndKubeconform.advice}, or ${kubernetesSchemas.advice}`);

interface Container {
  readonly name: string;
  readonly args: string[];
  readonly env: { name: string; value: string }[];
  readonly securityContext: Record<string, unknown>;
  readonly ports?: { name: string; containerPort: number }[];
  readonly readinessProbe?: unknown;
}
interface PodTemplate {
  readonly metadata: { labels: Record<string, string> };
  readonly spec: { terminationGracePeriodSeconds?: number; containers: [Container] };
}
interface Resource {
  readonly kind: string;
  readonly metadata: { name: string; annotations?: Record<string, string> };
  readonly spec?: {
    replicas?: number;
    selector?: { matchLabels: Record<string, string> };
    template?: PodTemplate;
    metrics?: unknown;
  };
}

const FEW_VALUES = { secretName: 'hooks', temporal: { address: 'temporal:7233' } };

const PEM_FILES: Readonly<Record<string, string>> = {
  TEMPORAL_TLS_CLIENT_CERT_PATH: 'server.pem',
  TEMPORAL_TLS_CLIENT_KEY_PATH: 'server.key',
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'ca.pem',
};

const ISSUER = 'https://login.example.com/realms/acme';

/** Everything that can be set, set. */
const ALL_VALUES = {
  secretName: 'hooks',
  image: {
    repository: 'registry.example.com/pigeonpost',
    digest: `sha256:${'0'.repeat(64)}`,
    pullSecrets: [{ name: 'r' }],
  },
  secretHas: {
    metricsKey: true,
    previousEncryptionKeys: true,
    migrationDatabaseUrl: true,
    temporalApiKey: true,
    temporalClientCertificate: true,
    temporalCa: true,
    smtpUrl: true,
    oidcClientSecret: true,
  },
  mail: { from: 'Acme <webhooks@example.com>' },
  oidc: {
    issuer: ISSUER,
    clientId: 'pigeonpost',
    access: 'groups=webhook-admins:admin,groups=support:read',
    scopes: 'openid email groups',
    name: 'Acme',
  },
  temporal: { address: 'hooks.tmprl.example:7233', namespace: 'hooks', tls: true, serverName: 'inside' },
  settings: { PIGEONPOST_RETENTION_DAYS: '30', PIGEONPOST_ALLOW_HTTP: 'true' },
  api: {
    autoscaling: { enabled: true },
    ingress: {
      enabled: true,
      host: 'hooks.example.com',
      className: 'nginx',
      tlsSecretName: 'tls',
      annotations: { a: 'b' },
    },
    podAnnotations: { a: 'b' },
    nodeSelector: { a: 'b' },
    tolerations: [{ key: 'a', operator: 'Exists' }],
    affinity: { podAntiAffinity: {} },
    service: { type: 'LoadBalancer', annotations: { a: 'b' } },
  },
  worker: {
    autoscaling: { enabled: true, backlog: 100 },
    versioning: { enabled: true, deployment: 'hooks', buildId: 'b1' },
  },
  serviceAccount: { annotations: { a: 'b' } },
  networkPolicy: {
    apiFrom: [{ namespaceSelector: {} }],
    metricsFrom: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
    databaseTo: [{ ipBlock: { cidr: '10.0.0.5/32' } }],
    temporalTo: [{ namespaceSelector: { matchLabels: { name: 'temporal' } } }],
    extraEgress: [{ ports: [{ port: 4318 }] }],
  },
};

withTools('the chart', () => {
  let folder: string;
  let tools: string;
  let schemas: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pigeonpost-chart-'));
    tools = helmAndKubeconform.prepare();
    schemas = kubernetesSchemas.prepare();
  }, PREPARING_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const helm = (...args: string[]): string =>
    execFileSync(join(tools, 'helm'), args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  function fileWith(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  const valuesFile = (values: object): string => fileWith('values.yaml', stringify(values));
  const render = (values: object): string => helm('template', 'hooks', CHART, '--values', valuesFile(values));
  const resources = (text: string): Resource[] =>
    parseAllDocuments(text).flatMap((document) => (document.toJS() as Resource | null) ?? []);
  const find = (text: string, kind: string, name: string): Resource =>
    resources(text).find((resource) => resource.kind === kind && resource.metadata.name === name)!;

  /** What Kubernetes of this version would not accept. */
  function problems(version: string, text: string): unknown[] {
    const location = `${schemas}/v${version}/{{.ResourceKind}}{{.KindSuffix}}.json`;
    const args = ['-strict', '-output', 'json', '-kubernetes-version', version, '-schema-location', location];
    const { stdout } = spawnSync(join(tools, 'kubeconform'), [...args, fileWith('made.yaml', text)], {
      encoding: 'utf8',
    });
    return (JSON.parse(stdout) as { resources: unknown[] }).resources;
  }

  test('is accepted by helm lint', () => {
    for (const values of [PLAIN_VALUES, valuesFile(ALL_VALUES)])
      expect(helm('lint', '--strict', CHART, '--values', values)).toContain('0 chart(s) failed');
  });

  test.each(kubernetesVersions)('makes resources that Kubernetes %s knows, with no other fields', (version) => {
    expect(problems(version, render(ALL_VALUES))).toEqual([]);
    expect(problems(version, readFileSync(MANIFESTS, 'utf8'))).toEqual([]);
  });

  test('would be refused with a field that there is not', () => {
    const wrong = render(ALL_VALUES).replace('enableServiceLinks', 'enableServiceLink');
    expect(problems(kubernetesVersions[1], wrong)).toEqual([expect.objectContaining({ status: 'statusInvalid' })]);
  });

  test('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    const shown = helm('show', 'chart', CHART).split('\n');
    expect(shown).toEqual(expect.arrayContaining([`appVersion: ${version}`, `version: ${version}`]));
  });

  test.each([
    ['no Secret', {}, 'secretName: name a Secret'],
    ['no Temporal', { secretName: 'hooks' }, 'temporal.address: set host:port'],
    ['too short an end of workers', { ...FEW_VALUES, worker: { terminationGracePeriodSeconds: 30 } }, 'minimum'],
    ['mails without a server', { ...FEW_VALUES, mail: { from: 'a@example.com' } }, 'secretHas.smtpUrl: put smtp-url'],
    ['a mail server without a sender', { ...FEW_VALUES, secretHas: { smtpUrl: true } }, 'mail.from: set the sender'],
    [
      'an issuer without a client',
      { ...FEW_VALUES, oidc: { issuer: ISSUER, access: 'a=b:read' } },
      'oidc.clientId: set',
    ],
    [
      'an issuer that nobody may use',
      { ...FEW_VALUES, oidc: { issuer: ISSUER, clientId: 'x' } },
      'oidc.access: set who',
    ],
    ['a client without an issuer', { ...FEW_VALUES, oidc: { clientId: 'x' } }, 'oidc.issuer: set the URL'],
    ['a value that there is not', { ...FEW_VALUES, replicas: 2 }, 'replicas'],
    [
      'a setting that there is not',
      { ...FEW_VALUES, settings: { RETENTION: '1' } },
      "'RETENTION' does not match pattern",
    ],
  ])('refuses %s, and says so', (_, values, expected) => {
    expect(() => render(values)).toThrow(expected);
  });

  describe.each([
    ['few values', FEW_VALUES],
    ['all values', ALL_VALUES],
  ])('with %s', (_, values) => {
    let text: string;
    let pods: readonly PodTemplate[];
    beforeAll(() => {
      text = render(values);
      pods = resources(text).flatMap(({ spec }) => spec?.template ?? []);
    });
    const podOf = (name: string) => pods.find(({ spec }) => spec.containers[0].name === name)!;
    const containerOf = (name: string) => podOf(name).spec.containers[0];

    /** The path of a file with such a secret, in place of the one in the container. */
    function secretFile(name: string): string {
      if (name === 'DATABASE_URL_FILE') return fileWith(name, 'postgres://u:p@db:5432/x');
      const pem = PEM_FILES[name];
      if (pem !== undefined) return join(root, 'test/support/certs', pem);
      if (name === 'PIGEONPOST_SMTP_URL_FILE') return fileWith(name, 'smtps://u:p@mail.example.com:465');
      return fileWith(name, name.includes('ENCRYPTION') ? Buffer.alloc(32, 1).toString('base64') : `${name}-a-secret`);
    }

    test.each(['api', 'worker', 'migration'])('gives the %s settings that are accepted together', (name) => {
      const given = containerOf(name).env.map((setting) => [setting.name, setting.value] as const);
      const known = [...settings.map((setting) => setting.name), ...fileVariables];
      expect(given.map(([setting]) => setting).filter((setting) => !known.includes(setting))).toEqual([]);
      expect(new Set(given.map(([setting]) => setting)).size).toBe(given.length);
      const env = given.map(([setting, value]) => [
        setting,
        value.startsWith('/etc/pigeonpost/') ? secretFile(setting) : value,
      ]);
      expect(loadConfig({ ...Object.fromEntries(env), HOME: folder })).toMatchObject({
        databaseUrl: 'postgres://u:p@db:5432/x',
        temporal: { embedded: name === 'migration' },
      });
    });

    test('runs each part without rights, on a file system that it cannot write to', () => {
      expect(pods).toHaveLength(values === ALL_VALUES ? 4 : 3);
      for (const { spec } of pods) {
        expect(spec).toMatchObject({
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        });
        expect(spec.containers[0].securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    });

    test('starts commands that there are, with probes on their ports', () => {
      expect(['api', 'worker', 'migration'].map((name) => containerOf(name).args)).toEqual([
        ['api'],
        ['worker'],
        ['migrate'],
      ]);
      expect(containerOf('api').ports).toEqual([{ name: 'probes', containerPort: 8080 }]);
      expect(containerOf('worker').ports).toEqual([{ name: 'probes', containerPort: 9464 }]);
      for (const name of ['api', 'worker'])
        expect(containerOf(name).readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'probes' } });
    });

    test.each(['Deployment', 'PodDisruptionBudget'])('selects with a %s the pods that it makes', (kind) => {
      for (const part of ['api', 'worker'])
        expect(podOf(part).metadata.labels).toMatchObject(
          find(text, kind, `hooks-pigeonpost-${part}`).spec!.selector!.matchLabels,
        );
    });
  });

  test('gives API and workers the settings of mails and of the sign-in', () => {
    const pods = resources(render(ALL_VALUES)).flatMap(({ spec }) => spec?.template?.spec.containers[0] ?? []);
    for (const part of ['api', 'worker']) {
      const given = pods.find(({ name }) => name === part)!.env.map(({ name, value }) => [name, value]);
      expect(Object.fromEntries(given)).toMatchObject({
        PIGEONPOST_SMTP_URL_FILE: '/etc/pigeonpost/smtp-url',
        PIGEONPOST_MAIL_FROM: 'Acme <webhooks@example.com>',
        PIGEONPOST_OIDC_ISSUER: ISSUER,
        PIGEONPOST_OIDC_CLIENT_ID: 'pigeonpost',
        PIGEONPOST_OIDC_CLIENT_SECRET_FILE: '/etc/pigeonpost/oidc-client-secret',
        PIGEONPOST_OIDC_ACCESS: 'groups=webhook-admins:admin,groups=support:read',
        PIGEONPOST_OIDC_SCOPES: 'openid email groups',
        PIGEONPOST_OIDC_NAME: 'Acme',
      });
    }
  });

  test('lets a worker finish its attempts, and migrates before everything else', () => {
    const text = render(FEW_VALUES);
    const worker = find(text, 'Deployment', 'hooks-pigeonpost-worker').spec!.template!;
    expect(worker.spec.terminationGracePeriodSeconds).toBe(170);
    expect(find(text, 'Job', 'hooks-pigeonpost-migration').metadata.annotations).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
    });
  });

  test('gives the deliveries to the new build once its workers are there, after an upgrade and a rollback', () => {
    const text = render({ ...FEW_VALUES, image: { tag: '1.2.3' }, worker: { versioning: { enabled: true } } });
    const job = find(text, 'Job', 'hooks-pigeonpost-worker-version');
    expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'post-install,post-upgrade,post-rollback' });
    const worker = find(text, 'Deployment', 'hooks-pigeonpost-worker');
    for (const { spec } of [job, worker])
      expect(spec!.template!.spec.containers[0].env).toEqual(
        expect.arrayContaining([
          { name: 'PIGEONPOST_WORKER_DEPLOYMENT', value: 'hooks-pigeonpost' },
          { name: 'PIGEONPOST_WORKER_BUILD_ID', value: '1.2.3' },
        ]),
      );
    expect(job.spec!.template!.spec.containers[0].args).toEqual(['worker-versions', 'use', '--wait', '600']);
  });

  test('scales workers by the backlog that a metric shows, and leaves their number to that', () => {
    const text = render(ALL_VALUES);
    expect(find(text, 'Deployment', 'hooks-pigeonpost-worker').spec!.replicas).toBeUndefined();
    expect(find(text, 'HorizontalPodAutoscaler', 'hooks-pigeonpost-worker').spec!.metrics).toEqual([
      {
        type: 'External',
        external: {
          metric: { name: 'pigeonpost_backlog_deliveries', selector: { matchLabels: { state: 'waiting' } } },
          target: { type: 'AverageValue', averageValue: '100' },
        },
      },
    ]);
  });

  test('made the manifests for those without Helm', () => {
    const command =
      'helm template pigeonpost deploy/helm --namespace pigeonpost --values deploy/kubernetes/values.yaml';
    const made = [
      '# For those without Helm. Change values.yaml and not this file, which is made with it and the chart:',
      `#   ${command}`,
      '# The Secret of values.yaml must be there; deploy/helm/values.yaml says what it has. With UPDATE_DOCS=1',
      '# test/integration/deploy/chart.test.ts makes it again.',
      helm(...command.split(' ').slice(1)),
    ].join('\n');
    if (process.env.UPDATE_DOCS === '1') writeFileSync(MANIFESTS, made);
    expect(readFileSync(MANIFESTS, 'utf8')).toBe(made);
  });
});
