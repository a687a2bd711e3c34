/** Deliveries as rows; on a narrow screen each is a card. */
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { outcomeText } from '../../../../src/client/outcome-text.js';
import { useSession } from '../../api/session.js';
import type { Delivery } from '../../api/shapes.js';
import { count, shortUrl } from '../../parts/format.js';
import { Rows, type Place } from '../../parts/rows.js';
import { StateBadge } from '../../parts/state-badge.js';
import { Ago } from '../../parts/time.js';
import { capital, useWords } from '../../parts/words.js';
import styles from './delivery-table.module.css';

interface Props {
  readonly deliveries: readonly Delivery[];
  /** The ids of the ticked rows; without it rows cannot be ticked. */
  readonly ticked?: ReadonlySet<string>;
  readonly setTicked?: (ticked: ReadonlySet<string>) => void;
  readonly caption?: string;
}

export function DeliveryTable({ deliveries, ticked, setTicked, caption = 'Deliveries, the newest first' }: Props) {
  const words = useWords();
  const shown = deliveries.map(({ id }) => id);
  const tick = (ids: readonly string[], isTicked: boolean) => {
    const next = new Set(ticked);
    for (const id of ids)
      if (isTicked) next.add(id);
      else next.delete(id);
    setTicked?.(next);
  };
  return (
    <div className={`panel ${styles.frame}`}>
      <table className={styles.table}>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">
              {ticked && (
                <Tick
                  label="Tick all rows"
                  isTicked={shown.every((id) => ticked.has(id))}
                  set={(isTicked) => tick(shown, isTicked)}
                />
              )}
              State
            </th>
            <th scope="col">{capital(words.event)}</th>
            <th scope="col">{capital(words.endpoint)}</th>
            <th scope="col">Attempts</th>
            <th scope="col">Response</th>
            <th scope="col">Next</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          <Rows
            rows={deliveries}
            columns={7}
            render={(delivery, place) => (
              <Row key={delivery.id} delivery={delivery} place={place}>
                {ticked && (
                  <Tick
                    label={`Tick ${delivery.id}`}
                    isTicked={ticked.has(delivery.id)}
                    set={(isTicked) => tick([delivery.id], isTicked)}
                  />
                )}
              </Row>
            )}
          />
        </tbody>
      </table>
    </div>
  );
}

interface TickProps {
  readonly label: string;
  readonly isTicked: boolean;
  readonly set: (isTicked: boolean) => void;
}

function Tick({ label, isTicked, set }: TickProps) {
  return (
    <input
      type="checkbox"
      className={styles.tick}
      aria-label={label}
      checked={isTicked}
      onChange={(event) => set(event.currentTarget.checked)}
    />
  );
}

function Row({ delivery, place, children }: { delivery: Delivery; place: Place; children: ReactNode }) {
  const { me } = useSession();
  const { id, state, type, provider, attemptCount, nextAttemptAt, createdAt } = delivery;
  return (
    <tr data-delivery={id} {...place}>
      <td className={styles.state}>
        {children}
        <StateBadge state={state} />
      </td>
      <td className={styles.event}>
        <Link href={`/deliveries/${id}`} className={styles.link}>
          {type}
        </Link>
        {!me.account && <span className={styles.provider}>{provider}</span>}
      </td>
      <td className={styles.receiver}>
        <span className={styles.url} title={delivery.url ?? delivery.subscriptionId}>
          {shortUrl(delivery.url ?? delivery.subscriptionId)}
        </span>
        {!me.account && <span className={styles.account}>{delivery.accountName ?? delivery.accountId}</span>}
      </td>
      <td className={styles.attempts}>
        <span className="number">{count(attemptCount)}</span>
        <span className={styles.unit}> {attemptCount === 1 ? 'attempt' : 'attempts'}</span>
      </td>
      <td className={styles.response}>
        <LastResponse delivery={delivery} />
      </td>
      <td className={styles.next}>{nextAttemptAt ? <Ago at={nextAttemptAt} /> : <span className="muted">–</span>}</td>
      <td className={styles.created}>
        <Ago at={createdAt} />
      </td>
    </tr>
  );
}

/** The status, or the word for why there was none; who refused it is its title. */
export function LastResponse({ delivery: { lastStatus, lastReason } }: { delivery: Delivery }) {
  if (lastStatus === null && lastReason === null) return <span className="muted">–</span>;
  return (
    <span className="mono" title={outcomeText({ status: lastStatus, reason: lastReason })}>
      {lastStatus ?? lastReason}
    </span>
  );
}
