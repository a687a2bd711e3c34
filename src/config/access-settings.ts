/** Settings of keys, sessions and the audit log. */
import { z } from 'zod';
import { defaults, MAX_RETENTION_DAYS } from './defaults.js';
import { wholeNumber, type SettingDefinition } from './formats.js';

export const accessSettings = {
  PIGEONPOST_ADMIN_KEY: {
    description: 'Key of administrative API calls, at least 16 characters.',
    secret: true,
    schema: z.string().min(16, { error: 'write at least 16 characters' }),
  },
  PIGEONPOST_SESSION_HOURS: {
    description: 'Hours until someone who has signed in to the dashboard is signed out, from 1 to 720.',
    default: String(defaults.sessionHours),
    schema: wholeNumber(1, 720, 'a number of hours'),
  },
  PIGEONPOST_AUDIT_DAYS: {
    description: 'Days for which the audit log is kept, from 1 to 3650.',
    default: String(defaults.auditDays),
    schema: wholeNumber(1, MAX_RETENTION_DAYS, 'a number of days'),
  },
} as const satisfies Record<string, SettingDefinition>;
