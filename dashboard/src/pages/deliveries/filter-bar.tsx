/** The filters of the list. Text takes effect with Enter or on leaving the field, everything else at once. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useId, useState } from 'react';
import { useContracts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import styles from './filter-bar.module.css';
import { states, type FilterName, type Filters } from './filters.js';
import { AccountSelect } from '../../parts/account-select.js';
import { SearchField } from '../../parts/search-field.js';

interface Props {
  readonly filters: Filters;
  readonly apply: (filters: Filters) => void;
}

export function FilterBar({ filters, apply }: Props) {
  const { me } = useSession();
  const fields = useId();
  const [open, setOpen] = useState(false);
  const contracts = useContracts().data ?? [];
  const set = (name: FilterName, value: string | undefined) => apply({ ...filters, [name]: value || undefined });
  const text = (name: FilterName, label: string) => (
    <SearchField label={label} value={filters[name]} set={(value) => set(name, value)} />
  );
  return (
    <div className={styles.bar}>
      <fieldset className={styles.states}>
        <legend className="hidden">State</legend>
        {[undefined, ...states].map((state) => (
          <label key={state ?? 'all'} className={styles.state}>
            <input
              type="radio"
              name="state"
              className="hidden"
              checked={filters.state === state}
              onChange={() => set('state', state)}
            />
            {state ?? 'all'}
          </label>
        ))}
        {Object.keys(filters).length > 0 && (
          <Button size="compact-sm" variant="subtle" onClick={() => apply({})}>
            Clear filters
          </Button>
        )}
      </fieldset>
      <Button
        className={styles.more}
        size="xs"
        variant="default"
        aria-expanded={open}
        aria-controls={fields}
        onClick={() => setOpen(!open)}
      >
        {open ? 'Fewer filters' : 'More filters'}
      </Button>
      <div id={fields} className={styles.fields} data-open={open}>
        {text('q', 'Text or id')}
        {text('type', 'Event type')}
        {!me.account && (
          <>
            <NativeSelect
              size="xs"
              label="Provider"
              value={filters.provider ?? ''}
              onChange={(event) => set('provider', event.currentTarget.value)}
              data={[
                { value: '', label: 'any' },
                ...contracts.map(({ provider, title }) => ({ value: provider, label: title })),
              ]}
            />
            <AccountSelect value={filters.accountId} set={(value) => set('accountId', value)} />
          </>
        )}
        {text('host', 'Host')}
        {text('status', 'Status')}
        {text('reason', 'Reason')}
        {text('subscriptionId', 'Subscription')}
        {text('eventId', 'Event')}
        <TimeFilter label="Created from" value={filters.from} set={(value) => set('from', value)} />
        <TimeFilter label="until" value={filters.to} set={(value) => set('to', value)} />
      </div>
    </div>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly set: (value: string | undefined) => void;
}

function TimeFilter({ label, value, set }: FieldProps) {
  return (
    <TextInput
      size="xs"
      type="datetime-local"
      label={label}
      value={value ? localMinute(value) : ''}
      onChange={(event) => {
        const { value: local } = event.currentTarget;
        set(local === '' ? undefined : new Date(local).toISOString());
      }}
    />
  );
}

/** A time as the browser's own field writes it: in the reader's zone, to the minute. */
function localMinute(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
