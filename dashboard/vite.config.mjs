import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** Where `npx vite dashboard` finds the API; the built dashboard asks the server that it came from. */
const api = process.env.PIGEONPOST_URL ?? 'http://127.0.0.1:8080';

/** The dashboard, and the customer portal at /portal. */
const pages = ['index.html', 'portal.html'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

export default defineConfig({
  // The portal may be below a path of a proxy. Pages of the dashboard are at paths of any depth.
  experimental: {
    renderBuiltUrl(file, { hostType, hostId }) {
      if (hostType !== 'html') return { relative: true };
      return hostId === 'portal.html' ? `./${file}` : undefined;
    },
  },
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    // The Content-Security-Policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    // Libraries mark what runs in browsers only; here everything does.
    rolldownOptions: { input: pages, checks: { moduleLevelDirective: false } },
  },
  server: { proxy: { '/v1': api, '/openapi.json': api } },
});
