/** The portal's side of the messages between it and the page around it. */
import { HELLO, type PortalMessage } from '../embed/messages.js';

/** The origin of the page around this one, once that page has spoken. */
let parentOrigin: string | undefined;
/** The latest message of each type: what was to be sent before the page around it spoke is sent then. */
const latest = new Map<PortalMessage['type'], PortalMessage>();

/** Listens to the page around this one, and reports the height of the content to it. Nothing outside of a frame. */
export function connectFrame(): void {
  if (window.parent === window) return;
  window.addEventListener('message', ({ source, origin, data }: MessageEvent<{ type?: unknown } | null>) => {
    if (source !== window.parent || data?.type !== HELLO) return;
    parentOrigin = origin;
    for (const message of latest.values()) window.parent.postMessage(message, origin);
  });
  const { body } = document;
  new ResizeObserver(() => {
    send({ type: 'pigeonpost:height', height: Math.ceil(body.getBoundingClientRect().height) });
  }).observe(body);
}

export function reportExpired(): void {
  send({ type: 'pigeonpost:expired' });
}

function send(message: PortalMessage): void {
  latest.set(message.type, message);
  if (parentOrigin !== undefined) window.parent.postMessage(message, parentOrigin);
}
