/** The methods of Svix's clients, by their own classes, and what is known of each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Svix } from 'svix';
import { Svix as LatestSvix } from 'svix-latest';

export type AnyClient = Svix | LatestSvix;

/** Both lines of the client, by the first number of their version. */
export const clients = { '1': Svix, '2': LatestSvix } as const;
export type Line = keyof typeof clients;
export const lines = Object.keys(clients) as Line[];

/** A method with the object that has it. */
export interface ClientMethod {
  /** Such as `message.poller.poll`. */
  readonly name: string;
  readonly owner: Record<string, (...args: unknown[]) => unknown>;
  readonly method: string;
}

/** Every method of a client: its properties are resources, which have methods and further resources. */
export function methodsOf(client: AnyClient): ClientMethod[] {
  const walk = (owner: object, path: readonly string[]): ClientMethod[] =>
    Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(owner))).flatMap(([key, property]) => {
      if (key === 'constructor') return [];
      if (property.get) return walk(Reflect.get(owner, key) as object, [...path, key]);
      const value: unknown = property.value;
      if (typeof value !== 'function' || path.length === 0) return [];
      return [{ name: [...path, key].join('.'), owner: owner as ClientMethod['owner'], method: key }];
    });
  return walk(client, []);
}

/** Why methods do not work, by resource or method; all others work. */
export const reasons = JSON.parse(readFileSync(join(__dirname, 'svix-methods.json'), 'utf8')) as Record<string, string>;

/** The key of `reasons` that a method is under: its own name or the longest beginning of it. */
export function reasonKeyOf(name: string): string | undefined {
  return Object.keys(reasons)
    .filter((key) => name === key || name.startsWith(`${key}.`))
    .sort((one, other) => other.length - one.length)[0];
}
