/** The verification for receivers accepts Pigeonpost's own deliveries, of every contract. */
import { findVerifier } from '../../src/providers/verify.js';
import { samples } from '../support/samples.js';
import { certificate } from '../support/egress.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

const HOST = 'hooks.example.test';

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver({ tls: { key: certificate('server.key'), cert: certificate('server.pem') } });
  const resolve = [{ host: HOST, port: 443, address: '127.0.0.1', targetPort: receiver.port }];
  system = await startSystem({ extraCa: certificate('ca.pem'), resolve });
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => receiver.clear());

/** As a person would write down the secret of the subscription, when the API does not return it. */
const ownSecrets: Record<string, string> = {
  postmark: 'X-Token: header-value-4711',
  postpress: 'X-Token: header-value-4711',
};

test.each(samples)(
  'verifies deliveries of $provider',
  async ({ provider, scope, settings, eventType, subscription }) => {
    const { ask } = system;
    const account = (await ask('POST', '/v1/accounts', { provider, name: 'Acme', scope, settings })).body;
    const url = `https://${HOST}/in?topic=a%2Fb`;
    const created = await ask('POST', `/v1/accounts/${account.id}/subscriptions`, { ...subscription, url });
    expect(created.status).toBe(201);
    await ask('POST', `/v1/subscriptions/${created.body.id}/test`, { type: eventType });
    const [received] = await receiver.waitFor(1);

    const { secret = ownSecrets[provider] } = (await ask('GET', `/v1/subscriptions/${created.body.id}/secret`)).body;
    const verifier = findVerifier(provider)!;
    const known = verifier.readSecret(secret);
    verifier.verify({ ...received!, url }, known);
    const forged = { ...received!, headers: { host: HOST }, url };
    expect(() => verifier.verify(forged, known)).toThrow('is missing');
  },
);
