/** The hosts file and the search domains of this machine (hosts(5), resolv.conf(5)). */
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Maximum number of search domains; each adds two queries. */
const MAX_SEARCH_DOMAINS = 8;
/** Maximum size of these files, in bytes; a larger file is a mistake. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** How relative names are completed. */
export interface SearchRules {
  readonly domains: readonly string[];
  /** A name with at least this number of dots is tried unchanged first. */
  readonly ndots: number;
}

/** Addresses by lower-case name. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

/** Parses a hosts file. Invalid lines are skipped. */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = fieldsOf(line);
    if (isIP(address) === 0) continue;
    for (const name of names.map((each) => each.toLowerCase())) {
      const known = hosts.get(name);
      if (known === undefined) hosts.set(name, [address]);
      else if (!known.includes(address)) known.push(address);
    }
  }
  return hosts;
}

/** Parses the search rules of a resolv.conf; the last `domain` or `search` applies. */
export function parseSearchRules(text: string): SearchRules {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = fieldsOf(line);
    if (keyword === 'domain') domains = values.slice(0, 1);
    if (keyword === 'search') domains = values.slice(0, MAX_SEARCH_DOMAINS);
    if (keyword !== 'options') continue;
    for (const option of values) ndots = Number(/^ndots:(\d{1,2})$/.exec(option)?.[1] ?? ndots);
  }
  return { domains: domains.map((domain) => domain.replace(/\.$/, '')).filter((domain) => domain !== ''), ndots };
}

/** The full names to try for a host name, in order. */
export function candidatesFor(hostname: string, { domains, ndots }: SearchRules): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  const completed = domains.map((domain) => `${hostname}.${domain}`);
  const dots = hostname.split('.').length - 1;
  return dots >= ndots ? [hostname, ...completed] : [...completed, hostname];
}

/**
 * Parses a file, and again only after it has changed. An unreadable file counts as empty, as it does for the system.
 */
export function cachedFile<T>(path: string, parse: (text: string) => T): () => Promise<T> {
  let cached: { readonly version: string; readonly value: T } | undefined;
  return async () => {
    const version = await versionOf(path);
    if (cached?.version !== version) {
      const text = version === '' ? '' : await readFile(path, 'utf8').catch(() => '');
      cached = { version, value: parse(text) };
    }
    return cached.value;
  };
}

/** Changes whenever the file does; empty when the file must not be read. */
async function versionOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return size > MAX_FILE_BYTES ? '' : `${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

function fieldsOf(line: string): string[] {
  return line
    .replace(/[#;].*$/, '')
    .split(/\s+/)
    .filter((field) => field !== '');
}
