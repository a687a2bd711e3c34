/** The figures at the top of the overview; each leads to the deliveries that it counts. */
import { Fragment } from 'react';
import { Link } from 'wouter';
import type { Overview } from '../../api/shapes.js';
import { count, percent } from '../../parts/format.js';
import { Ago } from '../../parts/time.js';
import { listAddress, states } from '../deliveries/filters.js';
import { backlogAddresses } from './backlog-addresses.js';
import type { ListScope } from './deliveries-chart.js';
import styles from './figures.module.css';

interface Props {
  readonly overview: Overview;
  readonly scope: ListScope;
}

function share(rate: number | null): string {
  return rate === null ? '–' : percent(rate);
}

export function Figures({ overview, scope }: Props) {
  const { from, to, backlog, success } = overview;
  return (
    <ul className={styles.figures}>
      <li className={styles.figure}>
        <span className={styles.name}>Attempts accepted</span>
        <span className={styles.value}>{share(success.attempts)}</span>
        <span className={styles.note}>first attempts {share(success.firstAttempts)}</span>
      </li>
      <li className={styles.figure}>
        <span className={styles.name}>Backlog now</span>
        <span className={styles.value}>
          {count(backlog.waiting)}
          {backlog.more && '+'}
        </span>
        <span className={styles.note}>
          {backlog.oldestWaitingAt ? (
            <>
              {count(backlog.afterFailure)} failed before, oldest <Ago at={backlog.oldestWaitingAt} />
              {backlogAddresses(scope).map(({ state, address }) => (
                <Fragment key={state}>
                  {' · '}
                  <Link href={address}>{state}</Link>
                </Fragment>
              ))}
            </>
          ) : (
            'nothing waits'
          )}
        </span>
      </li>
      {states.map((state) => (
        <li key={state} className={styles.figure} data-state={state}>
          <Link href={listAddress({ ...scope, state, from, to })} className={styles.link}>
            <span className={styles.name}>{state}</span>
            <span className={styles.value}>{count(overview.states[state])}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
