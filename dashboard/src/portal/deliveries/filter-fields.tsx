/** The filters of the list of deliveries. */
import { Button, NativeSelect } from '@mantine/core';
import { useTypeNames } from '../../api/event-types.js';
import { states, type FilterName, type Filters } from '../../pages/deliveries/filters.js';
import { shortUrl } from '../../parts/format.js';
import { SearchField } from '../../parts/search-field.js';
import { capital, useWords } from '../../parts/words.js';
import { useEndpoints, useRules } from '../access.js';
import styles from './filter-fields.module.css';

interface Props {
  readonly filters: Filters;
  readonly apply: (filters: Filters) => void;
}

export function FilterFields({ filters, apply }: Props) {
  const words = useWords();
  const types = useTypeNames(useRules());
  const endpoints = useEndpoints().data ?? [];
  const set = (name: FilterName, value: string | undefined) => apply({ ...filters, [name]: value || undefined });
  const choice = (name: FilterName, label: string, choices: readonly { value: string; label: string }[]) => (
    <NativeSelect
      size="xs"
      label={label}
      value={filters[name] ?? ''}
      onChange={(event) => set(name, event.currentTarget.value)}
      data={[{ value: '', label: 'any' }, ...withChosen(choices, filters[name])]}
    />
  );
  return (
    <div className={styles.fields}>
      {choice(
        'state',
        'State',
        states.map((state) => ({ value: state, label: state })),
      )}
      {choice(
        'type',
        `${capital(words.event)} type`,
        types.map((type) => ({ value: type, label: type })),
      )}
      {choice(
        'subscriptionId',
        capital(words.endpoint),
        endpoints.map(({ id, url }) => ({ value: id, label: shortUrl(url) })),
      )}
      <SearchField label="Text or id" value={filters.q} set={(value) => set('q', value)} />
      {Object.values(filters).some((value) => value !== undefined) && (
        <Button size="xs" variant="subtle" onClick={() => apply({})}>
          Clear filters
        </Button>
      )}
    </div>
  );
}

/** What is chosen stays a choice when it is not offered, such as a deleted endpoint. */
function withChosen(choices: readonly { value: string; label: string }[], chosen: string | undefined) {
  const isOffered = chosen === undefined || choices.some(({ value }) => value === chosen);
  return isOffered ? choices : [{ value: chosen, label: chosen }, ...choices];
}
