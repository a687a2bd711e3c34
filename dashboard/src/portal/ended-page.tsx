/** What is shown without a valid link. */
import { useEffect } from 'react';
import { Empty } from '../parts/page.js';
import { useBranding } from './branding.js';
import styles from './portal-shell.module.css';

export function EndedPage() {
  const { name, supportUrl } = useBranding();
  useEffect(() => {
    document.title = `Session ended · ${name}`;
  }, [name]);
  return (
    <main className={styles.ended}>
      <h1 className="hidden">{name}</h1>
      <Empty title="This session has ended">
        <p>Go back to where you opened this page, and open it again.</p>
        {supportUrl && (
          <p>
            <a href={supportUrl} target="_blank" rel="noreferrer">
              Get help
            </a>
          </p>
        )}
      </Empty>
    </main>
  );
}
