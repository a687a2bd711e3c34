/** Names with a value each, such as headers. */
import { ActionIcon, Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Group } from './group-field.js';
import styles from './record-field.module.css';

interface Props {
  readonly label: string;
  readonly description?: string;
  readonly error?: string;
  readonly value: unknown;
  readonly onChange: (value: Record<string, string> | undefined) => void;
}

/** Rows are kept apart from the value: while one is written its name may be empty or that of another. */
export function RecordField({ label, description, error, value, onChange }: Props) {
  const [rows, setRows] = useState<readonly (readonly [string, string])[]>(() =>
    Object.entries((value ?? {}) as Record<string, string>),
  );
  function change(next: readonly (readonly [string, string])[]) {
    setRows(next);
    const named = next.filter(([name]) => name !== '');
    onChange(named.length === 0 && value === undefined ? undefined : Object.fromEntries(named));
  }
  return (
    <Group label={label} description={description}>
      {rows.map(([name, text], index) => (
        <div key={index} className={styles.row}>
          <TextInput
            aria-label={`${label}: name ${index + 1}`}
            placeholder="Name"
            value={name}
            onChange={(event) => change(rows.with(index, [event.currentTarget.value, text]))}
          />
          <TextInput
            aria-label={`${label}: value ${index + 1}`}
            placeholder="Value"
            autoComplete="off"
            value={text}
            onChange={(event) => change(rows.with(index, [name, event.currentTarget.value]))}
          />
          <ActionIcon
            variant="default"
            size="lg"
            aria-label={`Remove ${name || `row ${index + 1}`}`}
            onClick={() => change(rows.toSpliced(index, 1))}
          >
            ×
          </ActionIcon>
        </div>
      ))}
      {error && (
        <p role="alert" className={styles.error}>
          {error}
        </p>
      )}
      <div>
        <Button size="xs" variant="default" onClick={() => setRows([...rows, ['', '']])}>
          Add<span className="hidden"> to {label}</span>
        </Button>
      </div>
    </Group>
  );
}
