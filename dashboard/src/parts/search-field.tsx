/** A text that filters a list; it takes effect with Enter or on leaving the field. */
import { TextInput } from '@mantine/core';
import { useState } from 'react';

interface Props {
  readonly label: string;
  readonly value: string | undefined;
  readonly set: (value: string | undefined) => void;
}

export function SearchField({ value, ...props }: Props) {
  // A field of its own for each value, so that it follows the address.
  return <Field key={value ?? ''} value={value ?? ''} {...props} />;
}

function Field({ label, value, set }: Props & { readonly value: string }) {
  const [text, setText] = useState(value);
  const apply = () => text.trim() !== value && set(text.trim() || undefined);
  return (
    <TextInput
      size="xs"
      label={label}
      value={text}
      placeholder="any"
      maxLength={200}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  );
}
