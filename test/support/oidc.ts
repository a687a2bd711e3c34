/** A real OpenID Connect provider, and a browser that signs in there: redirects, forms and cookies, without scripts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const OIDC_CLIENT = { clientId: 'pigeonpost', clientSecret: 'a-secret-of-the-client-0123456789' };

export interface OidcProvider {
  readonly issuer: string;
  /** Registers the client; only then it responds. */
  register(redirectUri: string): Promise<void>;
  close(): Promise<void>;
}

export async function startOidcProvider(): Promise<OidcProvider> {
  const child = spawn(process.execPath, [join(__dirname, 'oidc-provider.mjs')], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const lineThat = async (matches: (line: string) => boolean): Promise<string> => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('the OpenID Connect provider ended before it was ready');
      if (matches(value)) return value;
    }
  };
  const issuer = await lineThat((line) => line.startsWith('http://'));
  return {
    issuer,
    async register(redirectUri) {
      child.stdin.write(`${JSON.stringify({ ...OIDC_CLIENT, redirectUris: [redirectUri] })}\n`);
      await lineThat((line) => line === 'ready');
    },
    async close() {
      child.kill();
      await ended;
    },
  };
}

/** Cookies by origin, as a browser keeps them, and redirects that are followed by hand. */
export class CookieJar {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** The header for an address. */
  header(address: string): string {
    const cookies = this.#cookies.get(new URL(address).origin) ?? new Map<string, string>();
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /** Sends a request with the cookies of its origin, and keeps those of the response. */
  async send(address: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), cookie: this.header(address) };
    const response = await fetch(address, { ...init, headers, redirect: 'manual' });
    const { origin } = new URL(address);
    const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';');
      const [name = '', value = ''] = pair.split(/=(.*)/s);
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(set)) cookies.delete(name);
      else cookies.set(name, value);
    }
    this.#cookies.set(origin, cookies);
    return response;
  }
}

/** Where a response redirects to, absolute. */
export function locationOf(response: Response, address: string): string {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`${response.status} of ${address} is no redirect`);
  return new URL(location, address).href;
}

/** Signs a person in at the provider, from the address of the authorization on; returns the address of the callback. */
export async function authorize(jar: CookieJar, authorization: string, person: string): Promise<string> {
  let address = authorization;
  let response = await jar.send(address);
  const { origin } = new URL(authorization);
  for (let steps = 0; steps < 20; steps += 1) {
    if (response.status >= 300 && response.status < 400) {
      address = locationOf(response, address);
      if (new URL(address).origin !== origin) return address;
      response = await jar.send(address);
      continue;
    }
    const page = await response.text();
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`${response.status} of ${address}: ${page}`);
    const body = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login: person, password: 'any' } : {}) });
    address = new URL(action, address).href;
    response = await jar.send(address, { method: 'POST', body });
  }
  throw new Error('the provider does not send the browser back');
}
