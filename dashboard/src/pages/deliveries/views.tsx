/** Lists of deliveries under a name, kept in this browser for who is signed in. */
import { Button, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { useState, type SubmitEvent } from 'react';
import { useSession } from '../../api/session.js';
import { listAddress, type Filters } from './filters.js';
import styles from './views.module.css';

interface View {
  readonly name: string;
  readonly filters: Filters;
}

interface Props {
  readonly filters: Filters;
  readonly apply: (filters: Filters) => void;
}

/** The saved views, and a form that saves the filters of the list; nothing without either. */
export function Views({ filters, apply }: Props) {
  const { me } = useSession();
  const [views, setViews] = useLocalStorage<readonly View[]>({
    key: `pigeonpost-views-${me.account?.id ?? 'operator'}`,
    defaultValue: [],
    getInitialValueInEffect: false,
  });
  const [naming, setNaming] = useState(false);
  const here = listAddress(filters);
  const shown = views.find((view) => listAddress(view.filters) === here);
  const isSavable = !shown && Object.keys(filters).length > 0;
  if (views.length === 0 && !isSavable) return null;
  const save = (name: string) => {
    setViews([...views.filter((view) => view.name !== name), { name, filters }]);
    setNaming(false);
  };
  return (
    <div className="row" role="group" aria-label="Saved views">
      {views.map((view) => (
        <Button
          key={view.name}
          size="compact-sm"
          variant={view === shown ? 'light' : 'default'}
          aria-pressed={view === shown}
          onClick={() => apply(view.filters)}
        >
          {view.name}
        </Button>
      ))}
      {shown && (
        <Button size="compact-sm" variant="subtle" onClick={() => setViews(views.filter((view) => view !== shown))}>
          Delete this view
        </Button>
      )}
      {isSavable && !naming && (
        <Button size="compact-sm" variant="subtle" onClick={() => setNaming(true)}>
          Save as a view
        </Button>
      )}
      {isSavable && naming && <NameForm save={save} close={() => setNaming(false)} />}
    </div>
  );
}

function NameForm({ save, close }: { save: (name: string) => void; close: () => void }) {
  const [name, setName] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (name.trim() !== '') save(name.trim());
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        size="xs"
        aria-label="Name of the view"
        placeholder="Name of the view"
        maxLength={60}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button size="xs" type="submit">
        Save
      </Button>
      <Button size="xs" variant="default" onClick={close}>
        Cancel
      </Button>
    </form>
  );
}
