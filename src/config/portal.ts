import { defaults } from './defaults.js';
import type { Values } from './settings.js';

/** How the customer portal looks, and which pages may embed it. */
export interface PortalConfig {
  readonly name: string;
  /** An https URL. */
  readonly logoUrl?: string;
  /** As #rrggbb, by theme. */
  readonly colors: { readonly light?: string; readonly dark?: string };
  /** Replacements by the word that is replaced, such as `endpoint`. */
  readonly words: { readonly [Word in keyof NonNullable<Values['PIGEONPOST_PORTAL_WORDS']>]: string | undefined };
  readonly supportUrl?: string;
  /** Origins as in Content-Security-Policy. */
  readonly frameAncestors: readonly string[];
}

/** The settings of the portal, with their defaults. */
export function readPortal(values: Values): PortalConfig {
  const {
    PIGEONPOST_PORTAL_LOGO_URL: logoUrl,
    PIGEONPOST_PORTAL_COLOR: light,
    PIGEONPOST_PORTAL_COLOR_DARK: dark,
    PIGEONPOST_PORTAL_SUPPORT_URL: supportUrl,
  } = values;
  return {
    name: values.PIGEONPOST_PORTAL_NAME ?? defaults.portalName,
    ...(logoUrl === undefined ? {} : { logoUrl }),
    colors: { ...(light === undefined ? {} : { light }), ...(dark === undefined ? {} : { dark }) },
    words: values.PIGEONPOST_PORTAL_WORDS ?? {},
    ...(supportUrl === undefined ? {} : { supportUrl }),
    frameAncestors: values.PIGEONPOST_PORTAL_FRAME_ANCESTORS ?? [],
  };
}
