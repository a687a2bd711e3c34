// Makes the keys that are not set in the environment and keeps them in the data folder; those that are there stay.
// Run once before api and worker start, so that they cannot make two at the same time.
import { loadConfig } from '../../dist/config/config.js';
import { loadKeys } from '../../dist/server/keys.js';

try {
  await loadKeys(loadConfig());
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}
