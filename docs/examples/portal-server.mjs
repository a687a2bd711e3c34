// A platform's own server in short: it shows portal.html, and makes a link to the customer portal for it.
//
//   PIGEONPOST_URL=http://127.0.0.1:8080 PIGEONPOST_KEY=… ACCOUNT_ID=acc_… PORT=3000 node docs/examples/portal-server.mjs
//
// Pigeonpost itself must allow this page to embed the portal: PIGEONPOST_PORTAL_FRAME_ANCESTORS=http://127.0.0.1:3000
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const {
  PIGEONPOST_URL = 'http://127.0.0.1:8080',
  PIGEONPOST_KEY,
  ACCOUNT_ID,
  ACCESS = 'full',
  PORT = '3000',
} = process.env;

const page = readFileSync(new URL('portal.html', import.meta.url), 'utf8').replaceAll(
  'http://127.0.0.1:8080',
  PIGEONPOST_URL,
);

/** A link for the customer who is signed in; here there is only one. The key never reaches the browser. */
async function portalLink() {
  const response = await fetch(`${PIGEONPOST_URL}/v1/accounts/${ACCOUNT_ID}/portal-links`, {
    method: 'POST',
    headers: { authorization: `Bearer ${PIGEONPOST_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ access: ACCESS, expiresInS: 3600 }),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const server = createServer((request, response) => {
  if (request.method === 'GET') return response.setHeader('content-type', 'text/html; charset=utf-8').end(page);
  portalLink().then(
    ({ url }) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ url })),
    (error) => {
      console.error(error);
      response.writeHead(502).end();
    },
  );
});

server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}`));
