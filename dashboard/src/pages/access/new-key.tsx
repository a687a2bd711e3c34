/** The form for a new key: what it is called, what it may do, and for how long. */
import { Button, Checkbox, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ApiKey } from '../../api/shapes.js';
import { allShown, errorAt, fieldErrors } from '../../form/errors.js';
import { Failure } from '../../parts/page.js';

export type Scope = ApiKey['scopes'][number];

export interface KeyChoices {
  readonly name: string;
  readonly scopes: Scope[];
  readonly expiresAt?: string;
}

const MEANINGS: Readonly<Record<Scope, string>> = {
  publish: 'Emit events',
  read: 'Read everything but secrets',
  operate: 'Also command deliveries, and change subscriptions and their secrets',
  admin: 'Everything, keys and accounts too',
};

const DAY_MS = 86_400_000;

interface Props {
  /** Scopes that can be chosen. */
  readonly scopes: readonly Scope[];
  readonly busy: boolean;
  readonly error: Error | null;
  readonly create: (choices: KeyChoices) => void;
  readonly close: () => void;
}

export function NewKey({ scopes, busy, error, create, close }: Props) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<Scope[]>([scopes.includes('publish') ? 'read' : 'admin']);
  const [days, setDays] = useState('');
  const errors = fieldErrors(error);
  return (
    <Modal opened title="New key" onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        noValidate
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const expiry = days === '' ? {} : { expiresAt: new Date(Date.now() + Number(days) * DAY_MS).toISOString() };
          create({ name: name.trim(), scopes: chosen, ...expiry });
        }}
      >
        <TextInput
          label="Name"
          description="What uses it, or who has it"
          value={name}
          error={errorAt(errors, 'name')}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <Checkbox.Group label="May" value={chosen} error={errorAt(errors, 'scopes')} onChange={setChosen}>
          <div className="stack">
            {scopes.map((scope) => (
              <Checkbox key={scope} value={scope} label={scope} description={MEANINGS[scope]} />
            ))}
          </div>
        </Checkbox.Group>
        <NativeSelect
          label="Expires"
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
          data={[
            { value: '', label: 'Never' },
            { value: '7', label: 'In 7 days' },
            { value: '30', label: 'In 30 days' },
            { value: '90', label: 'In 90 days' },
            { value: '365', label: 'In a year' },
          ]}
        />
        {error && !allShown(errors, ['name', 'scopes']) && <Failure error={error} />}
        <div className="row">
          <Button type="submit" loading={busy}>
            Create the key
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        </div>
      </form>
    </Modal>
  );
}
