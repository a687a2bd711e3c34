/** The event types that a customer may receive: what each means, its schema and examples. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useEventTypes } from '../../api/event-types.js';
import { CodeBlock } from '../../parts/code-block.js';
import { CopyText } from '../../parts/copy.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { capital, inWords, useWords } from '../../parts/words.js';
import { useCan, useRules } from '../access.js';
import styles from '../../pages/contracts/events.module.css';
import { catalogue, groupsOf, type CatalogueEntry } from './entries.js';
import { SendExample } from './send-example.js';

/** Lists that are longer can be searched. */
const SHORT = 8;

export function CataloguePage() {
  const words = useWords();
  const rules = useRules();
  const defined = useEventTypes(rules?.openCatalogue === true);
  const [wanted, setWanted] = useState('');
  const isLoading = !rules || (rules.openCatalogue && !defined.data && !defined.error);
  const entries = rules ? catalogue(rules, defined.data ?? []) : [];
  const groups = groupsOf(entries, wanted);
  return (
    <div className="stack">
      <PageHead title={`${capital(words.event)} catalogue`} />
      {defined.error && <Failure error={defined.error} retry={() => void defined.refetch()} />}
      {isLoading && <Loading lines={8} />}
      {entries.length > SHORT && (
        <TextInput
          aria-label={`Find an ${words.event} type`}
          placeholder={`Find ${words.event} types`}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {!isLoading && groups.length === 0 && <Empty title={`No ${words.event} types`} />}
      {groups.map(({ title, entries: grouped }) => (
        <Section key={title} title={title || `${capital(words.event)} types`}>
          <ul className={styles.list}>
            {grouped.map((entry) => (
              <Entry key={entry.name} entry={entry} />
            ))}
          </ul>
        </Section>
      ))}
    </div>
  );
}

function Entry({ entry: { name, description, examples, schema } }: { entry: CatalogueEntry }) {
  const words = useWords();
  const maySend = useCan('manage_subscriptions', 'send_again');
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className="mono">{name}</span>{' '}
          {description && <span className="muted">{inWords(description, words)}</span>}
        </summary>
        {isOpen && (
          <div className={styles.example}>
            {examples.length === 0 && <p className="muted">It has no example.</p>}
            {examples.map((example, index) => {
              const text = JSON.stringify(example, null, 2);
              const title = examples.length === 1 ? 'Example of its data' : `Example ${index + 1} of its data`;
              return (
                <div key={index} className={styles.example}>
                  <div className="row">
                    <h3>{title}</h3>
                    <CopyText label="Copy" value={text} />
                  </div>
                  <CodeBlock label={`${title}, ${name}`} text={text} />
                </div>
              );
            })}
            {maySend && <SendExample type={name} />}
            {schema === null ? (
              <p className="muted">It has no schema.</p>
            ) : (
              <>
                <h3>Schema</h3>
                <CodeBlock label={`Schema of ${name}`} text={JSON.stringify(schema, null, 2)} />
              </>
            )}
          </div>
        )}
      </details>
    </li>
  );
}
