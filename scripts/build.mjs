// Compiles src to dist, bundles the workflows, which workers then load as they are, and the dashboard.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { builtFrom, stamp } from './lib/build.mjs';
import { dashboardStamp, ensureDashboard } from './lib/dashboard.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { checkNode, inProject } from './lib/project.mjs';

checkNode();
ensureInstalled();
const from = builtFrom();
clean();
compile();
copyMigrations();
await bundleWorkflows();
await ensureDashboard();
writeFileSync(stamp, from);

// What no longer has a source must not stay, a migration least of all. The dashboard cleans up after itself.
function clean() {
  if (!existsSync(inProject('dist'))) return;
  const kept = new Set(['dashboard', basename(dashboardStamp)]);
  for (const name of readdirSync(inProject('dist')).filter((name) => !kept.has(name)))
    rmSync(inProject('dist', name), { recursive: true, force: true });
}

function compile() {
  const compiler = inProject('node_modules', 'typescript', 'bin', 'tsc');
  // The second has what programs in browsers import.
  for (const config of ['tsconfig.build.json', 'dashboard/tsconfig.embed.json']) {
    const { status } = spawnSync(process.execPath, [compiler, '-p', inProject(config)], { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
  // npm does this where it links the command, and not again after the next build.
  chmodSync(inProject('dist', 'cli', 'main.js'), 0o755);
}

function copyMigrations() {
  cpSync(inProject('src', 'store', 'migrations'), inProject('dist', 'store', 'migrations'), { recursive: true });
}

async function bundleWorkflows() {
  const workflowsPath = inProject('dist', 'workflows', 'index.js');
  if (!existsSync(workflowsPath)) return;
  const { DefaultLogger, bundleWorkflowCode } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  writeFileSync(inProject('dist', 'workflow-bundle.js'), code);
}
