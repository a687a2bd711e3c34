/** Shows the customer portal in a frame of a platform's own page. Used by /portal.js and by the React component. */
import { HELLO, type PortalMessage } from './messages.js';

export interface PortalOptions {
  /** The `url` of a link from `POST /v1/accounts/{id}/portal-links`. */
  readonly url: string;
  /** The element that the frame is put into. */
  readonly element: Element;
  /** Called once when the link has expired or was revoked: make a new link and open the portal again. */
  readonly onExpired?: () => void;
  /** What screen readers call the frame; `Webhooks` when absent. */
  readonly title?: string;
}

export interface OpenPortal {
  /** Removes the frame. */
  readonly close: () => void;
}

/** The height of the frame until the portal reports that of its content, in CSS pixels. */
const FIRST_HEIGHT = 480;

/** Opens the portal. The frame is as wide as `element` and as high as the portal's content. */
export function openPortal({ url, element, onExpired, title = 'Webhooks' }: PortalOptions): OpenPortal {
  const address = new URL(url, window.location.href);
  if (!/^https?:$/.test(address.protocol)) throw new TypeError('openPortal: url must be the url of a portal link');
  const frame = document.createElement('iframe');
  let isExpired = false;

  function onMessage({ source, origin, data }: MessageEvent<PortalMessage | null | undefined>): void {
    if (source === null || source !== frame.contentWindow || origin !== address.origin || !data) return;
    if (data.type === 'pigeonpost:height' && Number.isFinite(data.height)) {
      frame.style.height = `${Math.max(0, data.height)}px`;
    }
    if (data.type === 'pigeonpost:expired' && !isExpired) {
      isExpired = true;
      onExpired?.();
    }
  }

  window.addEventListener('message', onMessage);
  // Each load: also when the frame is reloaded, or moved in the page.
  frame.addEventListener('load', () => frame.contentWindow?.postMessage({ type: HELLO }, address.origin));
  frame.title = title;
  // Copying ids and secrets.
  frame.allow = 'clipboard-write';
  frame.referrerPolicy = 'no-referrer';
  Object.assign(frame.style, { display: 'block', width: '100%', height: `${FIRST_HEIGHT}px`, border: '0' });
  frame.src = address.href;
  element.append(frame);
  return {
    close() {
      window.removeEventListener('message', onMessage);
      frame.remove();
    },
  };
}
