/** The head of a page, and what is shown instead of its content without data. */
import { Alert, Button, Skeleton } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import { ApiError } from '../../../src/client/errors.js';
import styles from './page.module.css';
import { useWords } from './words.js';

/** Title, what belongs beside it, and buttons. Moves the focus to the title, so that a new page is announced. */
export function PageHead({ title, beside, children }: { title: string; beside?: ReactNode; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { product } = useWords();
  useEffect(() => {
    document.title = `${title} · ${product}`;
  }, [title, product]);
  useEffect(() => {
    // A page in a frame takes the focus from the page around it only after someone has used it.
    if (window.parent === window || document.hasFocus()) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <header className={styles.head}>
      <div className="row">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
      </div>
      {children && <div className="row">{children}</div>}
    </header>
  );
}

/** What went wrong, in the API's own words, and a button to try again where that may help. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <Alert color="red" variant="light" title={titleOf(error)} role="alert">
      <div className="stack">
        <p className={styles.reason}>{error instanceof Error ? error.message : String(error)}</p>
        {retry && (
          <div>
            <Button size="xs" variant="default" onClick={retry}>
              Try again
            </Button>
          </div>
        )}
      </div>
    </Alert>
  );
}

function titleOf(error: unknown): string {
  if (!(error instanceof ApiError)) return 'The API cannot be reached';
  if (error.status === 404) return 'Not found';
  if (error.status === 403) return 'Not allowed with this key';
  return error.status >= 500 ? 'The API could not do that now' : 'The API refused that';
}

/** An empty list: what is missing and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children && <div className="muted">{children}</div>}
    </div>
  );
}

/** Stands in for what is being loaded. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div className="stack" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} height={20} />
      ))}
    </div>
  );
}
