/**
 * An OpenID Connect provider, in a process of its own as it is published as ES modules only. Everyone may sign in with any
 * password; the name decides the claims. Prints its issuer, reads the client from a line of its input, and prints `ready`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const people = {
  kim: { name: 'Kim', email: 'kim@example.com', email_verified: true, groups: ['staff', 'webhook-admins'] },
  lee: { name: 'Lee', email: 'lee@example.com', email_verified: true, groups: ['support'] },
  pat: { name: 'Pat', email: 'kim@example.com', email_verified: false, groups: ['staff'] },
};

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
console.log(issuer);
const input = createInterface({ input: process.stdin });
const [line] = await once(input, 'line');
const { clientId, clientSecret, redirectUris } = JSON.parse(line);
// Ends with the process that has started it.
input.once('close', () => process.exit());
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uris: redirectUris,
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
  ],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
  scopes: ['openid', 'profile', 'email', 'groups'],
  findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ sub, ...people[sub] }) }),
  cookies: { keys: ['only for tests'] },
});
provider.on('server_error', (_context, error) => console.error(error));
server.on('request', provider.callback());
console.log('ready');
