/** Creating an account. Its key is shown once. */
import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract } from '../../api/shapes.js';
import { allShown, errorAt, fieldErrors } from '../../form/errors.js';
import { SchemaForm } from '../../form/schema-form.js';
import type { JsonSchema } from '../../form/schema.js';
import type { Values } from '../../form/values.js';
import { Failure } from '../../parts/page.js';
import { KeyShownOnce } from './key-shown-once.js';

/** Fields that have inputs of their own, or are on the account's page. */
const APART = ['provider', 'name', 'receivesOperationalEvents', 'disableAfterHours', 'validatePayloads'];

interface Props {
  readonly contracts: readonly Contract[];
  readonly close: () => void;
}

export function NewAccount({ contracts, close }: Props) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [, navigate] = useLocation();
  const [provider, setProvider] = useState(contracts[0]?.provider ?? '');
  const [name, setName] = useState('');
  const [own, setOwn] = useState<Values>({});
  const create = useMutation({
    mutationFn: () => unwrap(client.POST('/v1/accounts', { body: { ...own, provider, name } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['accounts'] }),
  });
  const errors = fieldErrors(create.error);
  const whole = contracts.find((contract) => contract.provider === provider)?.accountSchema as JsonSchema | undefined;
  const schema = whole && withoutEmpty(whole);
  const names = ['provider', 'name', ...Object.keys(schema?.properties ?? {})];
  if (create.data) {
    const { id, apiKey } = create.data;
    return <KeyShownOnce title="Account created" apiKey={apiKey} close={() => navigate(`/accounts/${id}`)} />;
  }
  return (
    <Modal opened title="New account" onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        noValidate
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate();
        }}
      >
        <NativeSelect
          label="Provider"
          description="Its contract is what receivers see; it cannot be changed later"
          value={provider}
          error={errorAt(errors, 'provider')}
          data={contracts.map((contract) => ({ value: contract.provider, label: contract.title }))}
          onChange={(event) => {
            setProvider(event.currentTarget.value);
            setOwn({});
          }}
        />
        <TextInput
          label="Name"
          value={name}
          required
          error={errorAt(errors, 'name')}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {schema && <SchemaForm key={provider} schema={schema} values={own} errors={errors} onChange={setOwn} />}
        {create.error && !allShown(errors, names) && <Failure error={create.error} />}
        <div className="row">
          <Button type="submit" loading={create.isPending}>
            Create
          </Button>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** What there is to choose for an account of this contract. */
function withoutEmpty(schema: JsonSchema): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).filter(
    ([name, { properties: inner, type }]) =>
      !APART.includes(name) && !(type === 'object' && Object.keys(inner ?? {}).length === 0),
  );
  return { ...schema, properties: Object.fromEntries(properties), required: [] };
}
