/** How the platform wants its portal to look: name, logo, colours and words. */
import { useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { createClient, unwrap } from '../../../src/client/client.js';
import type { components } from '../../../src/client/generated.js';
import { Failure, Loading } from '../parts/page.js';
import { USUAL_WORDS, WordsContext } from '../parts/words.js';
import { brandColors } from './brand-colors.js';

/** Where the API is: beside this page, which a proxy may have below a path of its own. */
export const API_URL = new URL('.', window.location.href).href;

export type Branding = components['schemas']['PortalBranding'];

const BrandingContext = createContext<Branding | null>(null);

export function useBranding(): Branding {
  const branding = useContext(BrandingContext);
  if (!branding) throw new Error('useBranding outside of a BrandingProvider');
  return branding;
}

/** Loads the branding, and shows its children in it. */
export function BrandingProvider({ children }: { children: ReactNode }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['branding'],
    queryFn: ({ signal }) => unwrap(createClient({ url: API_URL }).GET('/v1/portal', { signal })),
    staleTime: Infinity,
  });
  if (!data) return error ? <Failure error={error} retry={() => void refetch()} /> : <Loading />;
  return <Branded branding={data}>{children}</Branded>;
}

function Branded({ branding, children }: { branding: Branding; children: ReactNode }) {
  const { name, words, colors, logoUrl } = branding;
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  useEffect(() => {
    const { style } = document.documentElement;
    const values = Object.entries(brandColors(colors[scheme] ?? '', scheme));
    for (const [variable, value] of values) style.setProperty(variable, value);
    return () => {
      for (const [variable] of values) style.removeProperty(variable);
    };
  }, [colors, scheme]);
  useEffect(() => {
    if (logoUrl) document.querySelector('link[rel="icon"]')?.setAttribute('href', logoUrl);
  }, [logoUrl]);
  const shown = useMemo(
    () => ({ ...USUAL_WORDS, endpoint: 'endpoint', endpoints: 'endpoints', ...words, product: name }),
    [words, name],
  );
  return (
    <BrandingContext value={branding}>
      <WordsContext value={shown}>{children}</WordsContext>
    </BrandingContext>
  );
}
