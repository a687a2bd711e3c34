/** What surrounds every page of the portal: whose it is, and the way to the other pages. */
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useZone } from '../parts/zone.js';
import { capital, useWords } from '../parts/words.js';
import { useBranding } from './branding.js';
import styles from './portal-shell.module.css';

export function PortalShell({ children }: { children: ReactNode }) {
  // All pages show times.
  useZone();
  const { name, logoUrl, supportUrl } = useBranding();
  const { endpoints, deliveries, event } = useWords();
  const pages = [
    { href: '/endpoints', label: capital(endpoints) },
    { href: '/deliveries', label: capital(deliveries) },
    { href: '/catalogue', label: `${capital(event)} catalogue` },
    { href: '/verify', label: 'Verify' },
  ];
  return (
    <div className={styles.shell}>
      <header className={styles.head}>
        <p className={styles.brand}>
          {logoUrl && <img className={styles.logo} src={logoUrl} alt="" />}
          {name}
        </p>
        <nav aria-label="Pages" className={styles.pages}>
          {pages.map((page) => (
            <PageLink key={page.href} {...page} />
          ))}
        </nav>
        {supportUrl && (
          <a className={styles.help} href={supportUrl} target="_blank" rel="noreferrer">
            Help
          </a>
        )}
      </header>
      <main>{children}</main>
    </div>
  );
}

function PageLink({ href, label }: { href: string; label: string }) {
  const [location] = useLocation();
  const isHere = location === href || location.startsWith(`${href}/`);
  return (
    <Link href={href} className={styles.page} aria-current={isHere ? 'page' : undefined}>
      {label}
    </Link>
  );
}
