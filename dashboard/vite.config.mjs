import { defineConfig } from 'vite';

/** Where `npx vite dashboard` finds the API; the built dashboard asks the server that it came from. */
const api = process.env.PIGEONPOST_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    // The Content-Security-Policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    // Libraries mark what runs in browsers only; here everything does.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  server: { proxy: { '/v1': api, '/openapi.json': api } },
});
