import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { errorMessage } from '../lib/errors.js';

/** What the documentation says about one setting. */
export interface Setting {
  /** Name of the environment variable. */
  readonly name: string;
  /** One sentence on what it does and what may be written. */
  readonly description: string;
  /** What holds when it is not set, in words; undefined when nothing is set then. */
  readonly default?: string;
  /** A secret's value is never shown. */
  readonly secret?: boolean;
}

/** What is documented of a setting, and how its value is checked and converted. */
export interface SettingDefinition extends Omit<Setting, 'name'> {
  readonly schema: z.ZodType<unknown, string>;
}

/** An address that a host name is pinned to, whatever DNS says. */
export interface PinnedAddress {
  /** Host name in lower case. */
  host: string;
  /** Port in the URL that the pin applies to. */
  port: number;
  /** IPv4 or IPv6 address, without brackets. */
  address: string;
  /** Port to connect to instead; the URL's own when absent. */
  targetPort?: number;
}

/** A text setting read by `parse`, which throws an Error saying what to write. */
export function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', message: errorMessage(error), input: text });
      return z.NEVER;
    }
  });
}

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number, what = 'a whole number') {
  return parsed((text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`write ${what} from ${min} to ${max}`);
    return value;
  });
}

/** JSON text of this form. */
export function jsonOf<Form extends z.ZodType>(form: Form) {
  return parsed((text): z.output<Form> => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Error('write JSON');
    }
    const result = form.safeParse(value);
    if (result.success) return result.data;
    const { path, message } = result.error.issues[0]!;
    throw new Error(`${path.length === 0 ? 'the document' : path.join('.')}: ${message}`);
  });
}

/** A TCP port. */
export function port(min: 0 | 1 = 1) {
  return wholeNumber(min, 65_535, 'a port number');
}

/** Yes or no. */
export const flag = z.stringbool({ error: 'write true or false' });

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words) {
  return z.enum(words, { error: `write one of ${words.join(', ')}` });
}

/** A URL with one of these schemes. */
export function url(schemes: readonly string[], example: string) {
  return parsed((text) => {
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
    if (scheme === undefined || !schemes.includes(scheme)) throw new Error(`write a URL like ${example}`);
    return text;
  });
}

/** A folder, made absolute. */
export const folder = parsed((text) => resolve(text));

/** A host name or address to listen on. */
export const listenHost = parsed((text) => {
  const address = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(address)) {
    throw new Error('write an address such as 127.0.0.1 or 0.0.0.0, or a host name, without a port');
  }
  return address;
});

/** The path of a program that is there and may be run, made absolute. */
export const executable = parsed((text) => {
  const path = resolve(text);
  try {
    accessSync(path, constants.X_OK);
    if (statSync(path).isFile()) return path;
  } catch {
    // Said below, the same for every reason.
  }
  throw new Error('write the path of an executable file; there is none that can be run there');
});

/** The path of a PEM file with certificates; the value is the file's text. */
export const certificates = parsed((text) => {
  let pem: string;
  try {
    pem = readFileSync(resolve(text), 'utf8');
  } catch (error) {
    throw new Error(`write the path of a PEM file that can be read (${errorMessage(error)})`, { cause: error });
  }
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('write the path of a PEM file; this one holds no certificate');
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (error) {
      throw new Error(`write the path of a PEM file; a certificate in this one is broken (${errorMessage(error)})`, {
        cause: error,
      });
    }
  }
  return blocks.join('\n') + '\n';
});

/** 32 bytes in base64. */
export const key32 = parsed(readKey32);

/** Several of them, comma separated. */
export const keys32 = parsed((text) => list(text).map(readKey32));

function readKey32(text: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text) || key.length !== 32) {
    throw new Error('write 32 random bytes in base64, as `openssl rand -base64 32` prints them');
  }
  return key;
}

/** Networks in CIDR notation or single addresses, comma separated, or the word `none`; all become CIDR. */
export const networks = parsed((text) => (text === 'none' ? [] : list(text).map(network)));

/** TCP ports, comma separated. */
export const portList = parsed((text) =>
  list(text).map((item) => {
    if (!/^\d{1,5}$/.test(item) || !isPort(item)) throw new Error('write port numbers such as 443,8443');
    return Number(item);
  }),
);

/** The address of a proxy: host and port, credentials if it wants some, and nothing else. */
export const proxyUrl = parsed((text) => {
  const { protocol, hostname, pathname, search, hash } = URL.canParse(text) ? new URL(text) : ({} as Partial<URL>);
  if (protocol !== 'http:' || !hostname || `${pathname}${search}${hash}` !== '/') {
    throw new Error('write http://host:port or http://user:password@host:port');
  }
  return text;
});

/** An address of mail, or a name with an address in angle brackets. */
export const mailFrom = parsed((text) => {
  const address = /^[^<>"\p{Cc}]*<(?<address>[^<>]+)>$/u.exec(text)?.groups?.address ?? text;
  if (!z.email().safeParse(address).success)
    throw new Error('write an address such as webhooks@example.com, or Acme <webhooks@example.com>');
  return text;
});

/** Pins `host:port:address[:port]`, comma separated, IPv6 addresses in brackets. */
export const pins = parsed((text) => list(text).map(pin));

/** The parts of a comma separated text. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function network(text: string): string {
  const [address = '', length, ...more] = text.split('/');
  const bits = address.includes('%') ? 0 : { 0: 0, 4: 32, 6: 128 }[isIP(address)];
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  if (!bits || more.length > 0 || prefix === undefined || !(prefix <= bits)) {
    throw new Error(`write networks such as 10.0.0.0/8 or single addresses, comma separated, or none (not "${text}")`);
  }
  return `${address}/${prefix}`;
}

const PIN = /^(?<host>[^:[\],\s]+):(?<port>\d{1,5}):(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:[\]]+))(?::(?<target>\d{1,5}))?$/;

function pin(text: string): PinnedAddress {
  const { host = '', port: fromPort = '', v4, v6, target } = PIN.exec(text)?.groups ?? {};
  const address = isIP(v4 ?? '') === 4 ? v4 : isIP(v6 ?? '') === 6 ? v6 : undefined;
  if (address === undefined || !isPort(fromPort) || (target !== undefined && !isPort(target))) {
    throw new Error(
      `write host:port:address or host:port:address:port, comma separated, IPv6 addresses in brackets (not "${text}")`,
    );
  }
  const pinned = { host: host.toLowerCase(), port: Number(fromPort), address };
  return target === undefined ? pinned : { ...pinned, targetPort: Number(target) };
}

function isPort(text: string): boolean {
  return Number(text) >= 1 && Number(text) <= 65_535;
}
