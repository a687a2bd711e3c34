/** Choosing an account by its name or own id; the API searches them. */
import { Select } from '@mantine/core';
import { useState } from 'react';
import { useAccount, useAccountChoices } from '../api/accounts.js';

interface Props {
  readonly value: string | undefined;
  readonly size?: 'xs' | 'sm';
  readonly set: (id: string | undefined) => void;
}

export function AccountSelect({ value, size = 'xs', set }: Props) {
  const [text, setText] = useState('');
  const { data: chosen } = useAccount(value);
  const label = ({ name, provider }: { name: string; provider: string }) => `${name} (${provider})`;
  // The text in the field is that of the chosen account until someone types.
  const { data: found = [] } = useAccountChoices(chosen && text === label(chosen) ? '' : text.trim());
  const listed = found.map((account) => ({ value: account.id, label: label(account) }));
  // The selected account is kept also when it is not among those found, or deleted.
  const data =
    value === undefined || found.some(({ id }) => id === value)
      ? listed
      : [{ value, label: chosen ? label(chosen) : value }, ...listed];
  return (
    <Select
      size={size}
      label="Account"
      placeholder="any"
      searchable
      clearable
      nothingFoundMessage="No account of that name or id"
      data={data}
      // What the API has found is not filtered again.
      filter={({ options }) => options}
      searchValue={text}
      onSearchChange={setText}
      value={value ?? null}
      onChange={(id) => set(id ?? undefined)}
    />
  );
}
