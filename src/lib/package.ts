/** What package.json says of this package: the only place where version and supported Node.js are written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface PackageJson {
  readonly version: string;
  readonly engines: { readonly node: string };
}

/** Reads package.json, which is beside `dist` and `src`. */
export function readPackage(): PackageJson {
  return JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as PackageJson;
}
