import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import '../global.css';
import '@mantine/core/styles.layer.css';
import '../tokens.css';
import { MantineProvider, type MantineColorSchemeManager } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { SessionKeeper } from '../api/session.js';
import { theme } from '../theme.js';
import { BrandingProvider } from './branding.js';
import { connectFrame } from './frame.js';
import { takeLink } from './link.js';
import { PortalApp } from './portal-app.js';
import { hasToken } from './read-link.js';

/** The link decides, or the system; nothing is stored. */
const schemes: MantineColorSchemeManager = {
  get: (usual) => usual,
  set: () => undefined,
  subscribe: () => undefined,
  unsubscribe: () => undefined,
  clear: () => undefined,
};

const link = takeLink();
connectFrame();
// Another link in the same frame changes only the fragment, which loads nothing.
window.addEventListener('hashchange', () => {
  if (!hasToken(window.location.hash)) return;
  takeLink();
  window.location.reload();
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    {/* Neither writes a style element into the page: its Content-Security-Policy forbids them. */}
    <MantineProvider
      theme={theme}
      defaultColorScheme={link?.theme ?? 'auto'}
      colorSchemeManager={schemes}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <SessionKeeper>
        <BrandingProvider>
          <PortalApp link={link} />
        </BrandingProvider>
      </SessionKeeper>
    </MantineProvider>
  </StrictMode>,
);
