/** A value written as JSON. */
import { Textarea } from '@mantine/core';
import { useState } from 'react';

interface Props {
  readonly label: string;
  readonly description?: string;
  readonly error?: string;
  readonly required?: boolean;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

export function JsonField({ value, onChange, error, ...field }: Props) {
  const [text, setText] = useState(() => (value === undefined ? '' : JSON.stringify(value, null, 2)));
  const [broken, setBroken] = useState<string>();
  function change(next: string) {
    setText(next);
    try {
      onChange(next.trim() === '' ? undefined : JSON.parse(next));
      setBroken(undefined);
    } catch (problem) {
      setBroken(`is no JSON yet: ${(problem as Error).message}`);
    }
  }
  return (
    <Textarea
      {...field}
      rows={5}
      value={text}
      error={broken ?? error}
      onChange={(event) => change(event.currentTarget.value)}
    />
  );
}
