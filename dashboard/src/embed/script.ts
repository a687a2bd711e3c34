/** /portal.js: the global `Pigeonpost`, and portals in elements such as `<div data-pigeonpost-portal="URL">`. */
import { openPortal } from './open-portal.js';

const ATTRIBUTE = 'data-pigeonpost-portal';

function openMarked(): void {
  for (const element of document.querySelectorAll(`[${ATTRIBUTE}]`)) {
    const url = element.getAttribute(ATTRIBUTE);
    // The token is of no more use in the page.
    element.removeAttribute(ATTRIBUTE);
    if (url) openPortal({ url, element });
  }
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', openMarked);
else openMarked();

export { openPortal };
