/** What surrounds every page: the way to the others, who is signed in, and the colour scheme. */
import { Button, NativeSelect, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useMemo, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useContract } from '../api/accounts.js';
import { may, useSession } from '../api/session.js';
import { setZone, useZone, type Zone } from '../parts/zone.js';
import { FindBox } from './find-box.js';
import { Mark } from './mark.js';
import { Shortcuts } from './shortcuts.js';
import styles from './shell.module.css';

export function Shell({ children }: { children: ReactNode }) {
  const { me, signOut } = useSession();
  const account = me.account;
  const contract = useContract(account?.provider);
  const hasEventTypes = !account || contract?.openCatalogue === true;
  const isAdmin = !account && may(me, 'admin');
  const pages = useMemo(
    () => [
      { href: '/overview', label: 'Overview', key: 'o' },
      { href: '/deliveries', label: 'Deliveries', key: 'd' },
      { href: '/events', label: 'Events', key: 'e' },
      { href: '/subscriptions', label: 'Subscriptions', key: 's' },
      account
        ? { href: `/accounts/${account.id}`, label: 'Account', key: 'a' }
        : { href: '/accounts', label: 'Accounts', key: 'a' },
      ...(hasEventTypes ? [{ href: '/event-types', label: 'Event types', key: 't' }] : []),
      { href: '/contracts', label: 'Contracts', key: 'c' },
      ...(isAdmin
        ? [
            { href: '/alerts', label: 'Alerts', key: 'n' },
            { href: '/keys', label: 'Keys', key: 'k' },
            { href: '/audit', label: 'Audit log', key: 'l' },
          ]
        : []),
    ],
    [account, hasEventTypes, isAdmin],
  );
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <aside className={styles.side} aria-label="Pigeonpost">
        <Link href="/overview" className={styles.brand}>
          <Mark size={26} />
          Pigeonpost
        </Link>
        <FindBox />
        <nav aria-label="Pages" className={styles.pages}>
          {pages.map((page) => (
            <PageLink key={page.href} href={page.href} label={page.label} />
          ))}
        </nav>
        <div className={styles.who}>
          <SchemeSelect />
          <ZoneSelect />
          <div className={styles.shortcuts}>
            <Shortcuts pages={pages} />
          </div>
          <p className={styles.name} title={account?.id ?? me.key.name ?? undefined}>
            <span className="muted">Signed in as</span> <strong>{account ? account.name : 'operator'}</strong>
          </p>
          <Button variant="default" size="xs" onClick={() => signOut()}>
            Sign out
          </Button>
        </div>
      </aside>
      <main id="content" tabIndex={-1} className={styles.content}>
        {children}
      </main>
    </div>
  );
}

function PageLink({ href, label }: { href: string; label: string }) {
  const [location] = useLocation();
  const here = location === href || location.startsWith(`${href}/`);
  return (
    <Link href={href} className={styles.page} aria-current={here ? 'page' : undefined}>
      {label}
    </Link>
  );
}

function ZoneSelect() {
  const zone = useZone();
  return (
    <NativeSelect
      size="xs"
      aria-label="Time zone"
      value={zone}
      onChange={(event) => setZone(event.currentTarget.value as Zone)}
      data={[
        { value: 'local', label: `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}` },
        { value: 'UTC', label: 'Times in UTC' },
      ]}
    />
  );
}

function SchemeSelect() {
  const { colorScheme, setColorScheme } = useMantineColorScheme({
    // Holding transitions back takes a style element, which the page forbids.
    keepTransitions: true,
  });
  return (
    <NativeSelect
      size="xs"
      aria-label="Colour scheme"
      value={colorScheme}
      onChange={(event) => setColorScheme(event.currentTarget.value as MantineColorScheme)}
      data={[
        { value: 'auto', label: 'As the system' },
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
      ]}
    />
  );
}
