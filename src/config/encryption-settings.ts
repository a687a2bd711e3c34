import { flag, key32, keys32, type SettingDefinition } from './formats.js';

/** Settings of what is encrypted in the database, and with which keys. */
export const encryptionSettings = {
  PIGEONPOST_ENCRYPTION_KEY: {
    description: 'Key that secrets are encrypted with in the database: 32 bytes in base64.',
    default: 'a generated one in the data folder',
    secret: true,
    schema: key32,
  },
  PIGEONPOST_ENCRYPTION_KEY_PREVIOUS: {
    description:
      'Other keys, comma separated, that secrets in the database may still be encrypted with; see SECURITY.md.',
    secret: true,
    schema: keys32,
  },
  PIGEONPOST_ENCRYPT_PAYLOADS: {
    description:
      'Whether payloads, bodies and what receivers respond are encrypted in the database with the same key. Rows that were written before stay as they are.',
    default: 'false',
    schema: flag,
  },
} as const satisfies Record<string, SettingDefinition>;
