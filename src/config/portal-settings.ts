/** Settings of the customer portal: where it is, how it looks, and which pages may embed it. */
import { z } from 'zod';
import { defaults } from './defaults.js';
import { jsonOf, list, parsed, url, type SettingDefinition } from './formats.js';

/** A word of the portal's pages that a platform may replace. */
const word = z
  .string()
  .trim()
  .min(1)
  .max(40)
  .refine((text) => !/\p{Cc}/u.test(text), 'must not hold control characters');

/** Words by the English ones that they replace. */
const portalWords = z.strictObject({
  endpoint: word.optional(),
  endpoints: word.optional(),
  event: word.optional(),
  events: word.optional(),
  delivery: word.optional(),
  deliveries: word.optional(),
});

/** A color as #rrggbb in lower case. */
const color = parsed((text) => {
  const [, short, long] = /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/.exec(text.toLowerCase()) ?? [];
  if (short === undefined && long === undefined) throw new Error('write a color such as #0a66c2');
  return `#${long ?? short!.replace(/./g, '$&$&')}`;
});

/** An origin as in Content-Security-Policy; its host may begin with a wildcard. */
const ORIGIN = /^https?:\/\/(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/;

/** Origins of pages, comma separated, or the word `none`. */
const origins = parsed((text) => {
  const all = text === 'none' ? [] : list(text.toLowerCase());
  const wrong = all.find((origin) => !ORIGIN.test(origin));
  if (wrong === undefined) return all;
  throw new Error(`write origins such as https://app.example.com, comma separated and without a path (not "${wrong}")`);
});

/** Where the API is for customers; a path is that of a proxy in front of it. */
const publicUrl = parsed((text) => {
  const { protocol = '', search, hash, username } = URL.canParse(text) ? new URL(text) : ({} as Partial<URL>);
  if (!/^https?:$/.test(protocol) || `${search}${hash}${username}` !== '')
    throw new Error('write a URL like https://webhooks.example.com, without a query');
  return text.replace(/\/+$/, '');
});

export const portalSettings = {
  PIGEONPOST_PUBLIC_URL: {
    description:
      'Where browsers reach the API: for links to the customer portal, and from Temporal’s web interface to the dashboard.',
    default: 'the address of each request that makes a link',
    schema: publicUrl,
  },
  PIGEONPOST_PORTAL_NAME: {
    description: 'Name that the customer portal shows, at most 60 characters.',
    default: defaults.portalName,
    schema: z.string().max(60, { error: 'write at most 60 characters' }),
  },
  PIGEONPOST_PORTAL_LOGO_URL: {
    description: 'Image that the customer portal shows beside its name.',
    schema: url(['https'], 'https://example.com/logo.svg'),
  },
  PIGEONPOST_PORTAL_COLOR: {
    description: 'Color of buttons and links of the customer portal, such as #0a66c2.',
    default: 'that of the dashboard',
    schema: color,
  },
  PIGEONPOST_PORTAL_COLOR_DARK: {
    description: 'The same for its dark theme.',
    default: 'that of the dashboard',
    schema: color,
  },
  PIGEONPOST_PORTAL_SUPPORT_URL: {
    description: 'Where customers find help, for a link in the customer portal; mailto: is allowed.',
    schema: url(['https', 'http', 'mailto'], 'https://example.com/help or mailto:help@example.com'),
  },
  PIGEONPOST_PORTAL_WORDS: {
    description:
      'Words of the customer portal that are replaced, as JSON such as {"endpoint":"webhook","endpoints":"webhooks"}: endpoint, endpoints, event, events, delivery, deliveries.',
    schema: jsonOf(portalWords),
  },
  PIGEONPOST_PORTAL_FRAME_ANCESTORS: {
    description:
      'Origins of the pages that may embed the customer portal in a frame, such as https://app.example.com or https://*.example.com, comma separated, or none.',
    default: 'none',
    schema: origins,
  },
} as const satisfies Record<string, SettingDefinition>;
