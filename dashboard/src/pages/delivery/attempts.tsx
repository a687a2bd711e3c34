/** Every attempt of a delivery, the newest first. */
import type { Attempt, DeliveryDetail } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { moment, prettyJson, took } from '../../parts/format.js';
import { Empty } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Ago } from '../../parts/time.js';
import { outcomeText } from '../../../../src/client/outcome-text.js';
import styles from './attempts.module.css';
import { Phases } from './phases.js';

export function Attempts({ delivery: { attempts } }: { delivery: DeliveryDetail }) {
  const newestFirst = attempts.toReversed();
  return (
    <Section title="Attempts">
      {attempts.length === 0 && <Empty title="None yet">The first is made as soon as possible.</Empty>}
      <ol className={styles.list}>
        {newestFirst.map((attempt, index) => (
          <li key={`${attempt.run} ${attempt.number}`}>
            <AttemptDetails attempt={attempt} open={index === 0} />
          </li>
        ))}
      </ol>
    </Section>
  );
}

function AttemptDetails({ attempt, open }: { attempt: Attempt; open: boolean }) {
  const { number, run, startedAt, durationMs, outcome, message, url, timings } = attempt;
  return (
    <details className={styles.attempt} open={open}>
      <summary className={styles.summary}>
        <span className={styles.number}>#{number}</span>
        <span className={styles.result} data-outcome={outcome}>
          {outcomeText(attempt)}
        </span>
        {run > 0 && <span className="muted">redelivery {run}</span>}
        <span className={`muted number ${styles.when}`}>
          {durationMs !== null && `${took(durationMs)} · `}
          <Ago at={startedAt} />
        </span>
      </summary>
      <div className={styles.body}>
        {message && <p className={styles.message}>{message}</p>}
        <p className="muted">
          {moment(startedAt)}
          {url && (
            <>
              {' · '}
              <span className={styles.url}>{url}</span>
            </>
          )}
        </p>
        {timings && <Phases timings={timings} />}
        <Response attempt={attempt} />
        {attempt.requestHeaders && (
          <Headers
            title="Request headers"
            headers={attempt.requestHeaders.map(({ name, value }) => [name, value] as const)}
          />
        )}
        {attempt.responseHeaders && (
          <Headers title="Response headers" headers={Object.entries(attempt.responseHeaders)} />
        )}
      </div>
    </details>
  );
}

function Response({ attempt: { status, responseExcerpt, responseTruncated } }: { attempt: Attempt }) {
  if (status === null) return null;
  if (!responseExcerpt) return <p className="muted">The response had no body.</p>;
  return (
    <div>
      <h3>Response{responseTruncated ? ', truncated' : ''}</h3>
      <CodeBlock label="Body of the response" text={prettyJson(responseExcerpt)} />
    </div>
  );
}

function Headers({ title, headers }: { title: string; headers: readonly (readonly [string, string])[] }) {
  return (
    <div>
      <h3>{title}</h3>
      <dl className={styles.headers}>
        {headers.map(([name, value], index) => (
          <div key={index}>
            <dt>{name}:</dt> <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
