/** The events of a contract, each with an example. */
import { useState } from 'react';
import { TextInput } from '@mantine/core';
import type { Contract } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { Empty } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import styles from './events.module.css';

export function Events({ contract: { events } }: { contract: Contract }) {
  const [wanted, setWanted] = useState('');
  const found = events.filter(({ type }) => type.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <Section title="Events" beside={<span className="muted number">{events.length}</span>}>
      {events.length > 8 && (
        <TextInput
          aria-label="Find an event"
          placeholder="Find an event"
          size="xs"
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {found.length === 0 && <Empty title="No event of that name" />}
      <ul className={styles.list}>
        {found.map((event) => (
          <li key={event.type}>
            <details>
              <summary>
                <span className="mono">{event.type}</span>{' '}
                {event.description && <span className="muted">{event.description}</span>}
              </summary>
              <div className={styles.example}>
                <h3>Example of its data</h3>
                <CodeBlock label={`Example of ${event.type}`} text={JSON.stringify(event.example, null, 2)} />
                <h3>Schema</h3>
                <CodeBlock label={`Schema of ${event.type}`} text={JSON.stringify(event.schema, null, 2)} />
              </div>
            </details>
          </li>
        ))}
      </ul>
    </Section>
  );
}
