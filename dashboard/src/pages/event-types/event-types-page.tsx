/** The event types that the platform has defined: what each means, its schema and an example. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useEventTypes } from '../../api/event-types.js';
import { useSession } from '../../api/session.js';
import type { EventType } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import styles from '../contracts/events.module.css';

/** Lists that are longer can be searched. */
const SHORT = 8;

export function EventTypesPage() {
  const { me } = useSession();
  const { data, error, refetch } = useEventTypes();
  const [wanted, setWanted] = useState('');
  const text = wanted.trim().toLowerCase();
  const found = (data ?? []).filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(text));
  const groups = [...new Set(found.map(({ group }) => group ?? ''))].sort();
  return (
    <div className="stack">
      <PageHead title="Event types" beside={data && <span className="muted number">{data.length}</span>} />
      {!data && (error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />)}
      {data?.length === 0 && (
        <Empty title="No event types are defined">
          {me.account
            ? 'Any event type may be sent to you.'
            : 'Every well-formed event type is accepted until one is defined with PUT /v1/event-types/{name} or an import.'}
        </Empty>
      )}
      {data && data.length > SHORT && (
        <TextInput
          aria-label="Find an event type"
          placeholder="Find an event type"
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {data && data.length > 0 && found.length === 0 && <Empty title="No event type of that name" />}
      {groups.map((group) => (
        <Section key={group} title={group === '' ? 'Without a group' : group}>
          <ul className={styles.list}>
            {found
              .filter((eventType) => (eventType.group ?? '') === group)
              .map((eventType) => (
                <OneEventType key={eventType.name} eventType={eventType} />
              ))}
          </ul>
        </Section>
      ))}
    </div>
  );
}

function OneEventType({ eventType }: { eventType: EventType }) {
  const { name, description, schema, examples, enforce, archived, featureFlag, version } = eventType;
  const [example] = examples;
  const marks = [
    ...(archived ? ['archived'] : []),
    ...(enforce ? ['schema enforced'] : []),
    ...(featureFlag === null ? [] : [`flag ${featureFlag}`]),
  ];
  return (
    <li>
      <details>
        <summary>
          <span className="mono">{name}</span> {description && <span className="muted">{description}</span>}{' '}
          {marks.length > 0 && <span className="muted">({marks.join(', ')})</span>}
        </summary>
        <div className={styles.example}>
          {example === undefined ? (
            <p className="muted">It has no example.</p>
          ) : (
            <>
              <h3>Example of its data</h3>
              <CodeBlock label={`Example of ${name}`} text={JSON.stringify(example, null, 2)} />
            </>
          )}
          {schema === null ? (
            <p className="muted">It has no schema.</p>
          ) : (
            <>
              <h3>Schema, version {version}</h3>
              <CodeBlock label={`Schema of ${name}`} text={JSON.stringify(schema, null, 2)} />
            </>
          )}
        </div>
      </details>
    </li>
  );
}
