/**
 * Signing in: with the admin key as an operator, with an account's own API key as that account, or as an operator with the
 * OpenID Connect provider of the settings.
 */
import { Alert, Button, PasswordInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type SubmitEvent } from 'react';
import { unwrap } from '../../../src/client/client.js';
import { ApiError } from '../../../src/client/errors.js';
import { clientFor, startSession, useKeeper } from '../api/session.js';
import { Mark } from '../layout/mark.js';
import styles from './sign-in-page.module.css';

/** Why the provider's sign-in has led back here, by the word in the address (src/api/accounts/oidc.ts). */
const FAILURES: Readonly<Record<string, string>> = {
  refused: 'You have signed in, but your account there is not allowed to use Pigeonpost. Ask who runs it.',
  failed: 'The sign-in did not succeed. Try again.',
  unavailable: 'The sign-in is not available now. Try again later, or use a key.',
};

export function SignInPage() {
  const { notice: ended, signedIn } = useKeeper();
  const notice = FAILURES[new URLSearchParams(window.location.search).get('signIn') ?? ''] ?? ended;
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Pigeonpost';
  }, []);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    const given = key.trim();
    setBusy(true);
    setProblem(await reasonAgainst(given));
    setBusy(false);
  }

  async function reasonAgainst(given: string): Promise<string | null> {
    if (given === '') return 'Enter a key.';
    // What no header can hold cannot be asked about.
    if (!/^[\x21-\x7e]+$/.test(given)) return 'A key has no spaces and no special letters; copy it again.';
    try {
      await startSession(given);
      signedIn();
      return null;
    } catch (error) {
      const refused = error instanceof ApiError && error.status === 401;
      return refused ? 'The API does not know this key.' : (error as Error).message;
    }
  }

  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={(event) => void submit(event)} noValidate>
        <div className={styles.title}>
          <Mark size={36} />
          <h1>Pigeonpost</h1>
        </div>
        {notice && problem === null && (
          <Alert color="yellow" variant="light" role="status">
            {notice}
          </Alert>
        )}
        <PasswordInput
          label="Key"
          description="The key of an operator, or of an account"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          error={problem}
          autoComplete="off"
          autoFocus
          required
          withAsterisk={false}
        />
        <Button type="submit" loading={busy} fullWidth>
          Sign in
        </Button>
        <OidcButton />
        <p className={`muted ${styles.hint}`}>
          The admin key is <code>PIGEONPOST_ADMIN_KEY</code>, or in the file <code>admin-key</code> of the data folder.
          The key is not kept: the browser gets a cookie that only this page can use, until you sign out or it expires.
        </p>
      </form>
    </main>
  );
}

/** The way to the provider, where one is set. A page of its own, so that this one's is left. */
function OidcButton() {
  const { data } = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => unwrap(clientFor(undefined, () => undefined).GET('/v1/sessions/methods', { signal })),
    staleTime: Infinity,
  });
  if (!data?.oidc) return null;
  return (
    <Button variant="default" component="a" href="/v1/sessions/oidc" fullWidth>
      Sign in with {data.oidc.name}
    </Button>
  );
}
