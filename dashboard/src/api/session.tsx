/**
 * Who is signed in. The key is kept in the tab's sessionStorage, so that it ends with the tab and other tabs do not
 * have it; everything read with a key is forgotten when it is no longer used.
 */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { unwrap, createClient, type PigeonpostClient } from '../../../src/client/client.js';
import { ApiError } from '../../../src/client/errors.js';
import type { Me } from './shapes.js';

const STORAGE = 'pigeonpost-key';

export interface Session {
  readonly key: string;
  readonly client: PigeonpostClient;
  readonly me: Me;
  /** Forgets the key; `because` is shown where one signs in. */
  readonly signOut: (reason?: string) => void;
}

interface Keeper {
  /** The key there is; null when no one is signed in. */
  readonly key: string | null;
  /** Why someone was signed out. */
  readonly notice: string | null;
  readonly signIn: (key: string) => void;
  readonly signOut: (reason?: string) => void;
}

const KeeperContext = createContext<Keeper | null>(null);
const SessionContext = createContext<Session | null>(null);

/** Keeps the key, and one cache of responses for each. */
export function KeyKeeper({ children }: { children: ReactNode }) {
  const [key, setKey] = useState(() => sessionStorage.getItem(STORAGE));
  const [notice, setNotice] = useState<string | null>(null);
  const signIn = useCallback((next: string) => {
    sessionStorage.setItem(STORAGE, next);
    setNotice(null);
    setKey(next);
  }, []);
  const signOut = useCallback((reason?: string) => {
    sessionStorage.removeItem(STORAGE);
    setNotice(reason ?? null);
    setKey(null);
  }, []);
  const keeper = useMemo(() => ({ key, notice, signIn, signOut }), [key, notice, signIn, signOut]);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- What one key could read is not for the next.
  const cache = useMemo(() => newCache(), [key]);
  return (
    <KeeperContext value={keeper}>
      <QueryClientProvider client={cache}>{children}</QueryClientProvider>
    </KeeperContext>
  );
}

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useKeeper(): Keeper {
  const keeper = useContext(KeeperContext);
  if (!keeper) throw new Error('useKeeper outside of a KeyKeeper');
  return keeper;
}

/** The session; only where someone is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of a SessionProvider');
  return session;
}

/** A client of the server that this page came from. A key that is no longer good is reported to `onRefused`. */
export function clientFor(key: string, onRefused: () => void): PigeonpostClient {
  return createClient({
    url: window.location.origin,
    key,
    fetch: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      if (response.status === 401) onRefused();
      return response;
    },
  });
}

/** Who a key belongs to. Throws ApiError when no one has it. */
export function whoIs(client: PigeonpostClient): Promise<Me> {
  return unwrap(client.GET('/v1/me'));
}

function newCache(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the API refuses it refuses again; what it could not do it may do a moment later.
        retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status < 500),
      },
    },
  });
}
