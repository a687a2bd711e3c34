import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hashOf, inProject, readIfThere } from './project.mjs';

/** Holds what the dashboard was built from. */
export const dashboardStamp = inProject('dist', '.dashboard-built-from');
const built = inProject('dist', 'dashboard');

/** Builds dist/dashboard unless it is of these very sources. */
export async function ensureDashboard() {
  const from = hashOf(['dashboard', 'src/client', 'package-lock.json'].map((path) => inProject(path)));
  if (readIfThere(dashboardStamp) === from && readIfThere(`${built}/index.html`) !== undefined) return;
  // Whatever it is while tests run: anything else is built for developers.
  process.env.NODE_ENV = 'production';
  const { build } = await import('vite');
  // Built beside its folder, so that a partial build is never served.
  const outDir = inProject('dist', `.dashboard-${process.pid}`);
  await build({ root: inProject('dashboard'), logLevel: 'warn', build: { outDir, emptyOutDir: true } });
  await buildPortalScript(build, outDir);
  writeFileSync(`${outDir}/redoc.js`, referenceScript());
  replaceFolder(outDir, built);
  writeFileSync(dashboardStamp, from);
}

/** /portal.js, which other sites load with a plain script element. */
async function buildPortalScript(build, outDir) {
  await build({
    root: inProject('dashboard'),
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2020',
      reportCompressedSize: false,
      lib: { entry: 'src/embed/script.ts', formats: ['iife'], name: 'Pigeonpost', fileName: () => 'portal.js' },
    },
  });
}

function replaceFolder(from, to) {
  for (let tries = 1; ; tries++) {
    try {
      rmSync(to, { recursive: true, force: true });
      return renameSync(from, to);
    } catch (error) {
      // Another process that builds the same was a moment faster.
      if (error.code !== 'ENOTEMPTY' || tries === 10) throw error;
    }
  }
}

/** The script of the API reference at /docs, without the logo that it would load from another site. */
function referenceScript() {
  const script = readFileSync(inProject('node_modules', 'redoc', 'bundles', 'redoc.standalone.js'), 'utf8');
  return script.replaceAll('https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:image/gif;base64,R0lGODlhAQABAAAAACw=');
}
