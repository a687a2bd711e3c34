/**
 * What the portal's page and the page around it send each other. The page around it speaks first, so that the portal knows
 * its origin and sends to no other; Content-Security-Policy has decided before that it may have the portal in a frame.
 */

/** From the page around it, after each load of the frame. */
export const HELLO = 'pigeonpost:hello';

/** From the portal. */
export type PortalMessage =
  /** The height of its content, in CSS pixels. */
  | { readonly type: 'pigeonpost:height'; readonly height: number }
  /** The link has expired or was revoked: only a new one helps. */
  | { readonly type: 'pigeonpost:expired' };
