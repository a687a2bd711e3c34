/** Choosing an account by its name. */
import { Select } from '@mantine/core';
import type { Account } from '../api/shapes.js';

interface Props {
  readonly accounts: readonly Pick<Account, 'id' | 'provider' | 'name'>[];
  readonly value: string | undefined;
  readonly size?: 'xs' | 'sm';
  readonly set: (id: string | undefined) => void;
}

export function AccountSelect({ accounts, value, size = 'xs', set }: Props) {
  const listed = accounts.map(({ id, name, provider }) => ({ value: id, label: `${name} (${provider})` }));
  // The selected account is kept also when it is not in the list or deleted.
  const data =
    value === undefined || accounts.some(({ id }) => id === value) ? listed : [{ value, label: value }, ...listed];
  return (
    <Select
      size={size}
      label="Account"
      placeholder="any"
      searchable
      clearable
      nothingFoundMessage="No account of that name"
      data={data}
      value={value ?? null}
      onChange={(id) => set(id ?? undefined)}
    />
  );
}
