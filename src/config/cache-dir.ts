import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for fetched programs where none is set, by the custom of the operating system. */
export function defaultCacheDir(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'pigeonpost');
  const custom = platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const usual = platform === 'win32' ? join(homedir(), 'AppData', 'Local') : join(homedir(), '.cache');
  return join(custom === undefined || custom === '' ? usual : custom, 'pigeonpost');
}
