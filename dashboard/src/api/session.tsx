/**
 * Who is signed in: that is a cookie, which scripts cannot read. Everything read in one session is forgotten when it is no
 * longer used.
 */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { unwrap, createClient, type PigeonpostClient } from '../../../src/client/client.js';
import { ApiError } from '../../../src/client/errors.js';
import type { Me } from './shapes.js';

/** Why someone is signed out whose session the API no longer accepts. */
export const SESSION_ENDED = 'Your session has ended: it expired, or its key is no longer valid.';

export interface Session {
  readonly client: PigeonpostClient;
  readonly me: Me;
  /** Ends the session; `because` is shown where one signs in. */
  readonly signOut: (reason?: string) => void;
}

interface Keeper {
  /** Of the sessions of this page, a number that no other has. */
  readonly session: number;
  /** Whether no one is signed in. Until the API has said so, someone may be. */
  readonly signedOut: boolean;
  /** Why someone was signed out. */
  readonly notice: string | null;
  readonly signedIn: () => void;
  readonly signOut: (reason?: string) => void;
}

const KeeperContext = createContext<Keeper | null>(null);
const SessionContext = createContext<Session | null>(null);

/** Knows whether someone is signed in, and has one cache of responses for each session. */
export function SessionKeeper({ children }: { children: ReactNode }) {
  const [session, setSession] = useState(0);
  const [end, setEnd] = useState<{ readonly notice: string | null } | null>(null);
  const signedIn = useCallback(() => {
    setEnd(null);
    setSession((former) => former + 1);
  }, []);
  // The first reason counts: other requests are refused after it too.
  const signOut = useCallback((reason?: string) => setEnd((former) => former ?? { notice: reason ?? null }), []);
  const keeper = useMemo(
    () => ({ session, signedOut: end !== null, notice: end?.notice ?? null, signedIn, signOut }),
    [session, end, signedIn, signOut],
  );
  // eslint-disable-next-line react-hooks/exhaustive-deps -- What one session could read is not for the next.
  const cache = useMemo(() => newCache(), [session, end]);
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
  if (!keeper) throw new Error('useKeeper outside of a SessionKeeper');
  return keeper;
}

/** The session; only where someone is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of a SessionProvider');
  return session;
}

/**
 * A client of the server that this page came from, with a key or, without one, the cookie of the session. When it is
 * refused, `onRefused` is called.
 */
export function clientFor(
  key: string | undefined,
  onRefused: () => void,
  url = window.location.origin,
): PigeonpostClient {
  return createClient({
    url,
    ...(key === undefined ? {} : { key }),
    fetch: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      if (response.status === 401) onRefused();
      return response;
    },
  });
}

/** Starts a session with a key: its cookie comes with the response. Throws ApiError when the key is wrong. */
export async function startSession(key: string): Promise<void> {
  await unwrap(clientFor(key, () => undefined).POST('/v1/sessions'));
}

/** Who is signed in. Throws ApiError when no one is. */
export function whoIs(client: PigeonpostClient): Promise<Me> {
  return unwrap(client.GET('/v1/me'));
}

/** Whether the session may do what needs a scope. */
export function may({ scopes }: Me, needed: 'operate' | 'admin'): boolean {
  return scopes.includes('admin') || scopes.includes(needed);
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
