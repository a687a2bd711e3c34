/** What an operator chooses for an account, whatever its provider. */
import { Button, Checkbox, NativeSelect, TextInput, type TextInputProps } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AccountDetail } from '../../api/shapes.js';
import { errorAt, fieldErrors } from '../../form/errors.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';

type Chosen = Pick<
  AccountDetail,
  | 'receivesOperationalEvents'
  | 'validatePayloads'
  | 'disableAfterHours'
  | 'retentionDays'
  | 'dispatchWeight'
  | 'workflows'
  | 'contactEmail'
>;

const WORKFLOW_MODES = [
  { value: '', label: 'Default' },
  { value: 'always', label: 'Always' },
  { value: 'adaptive', label: 'Adaptive: for each delivery at a low rate, otherwise on a retry' },
  { value: 'on_retry', label: 'On a retry' },
];

export function Choices({ account }: { account: AccountDetail }) {
  const [receivesOperationalEvents, setReceives] = useState(account.receivesOperationalEvents);
  const [validatePayloads, setValidate] = useState(account.validatePayloads);
  const [hours, setHours] = useState(account.disableAfterHours?.toString() ?? '');
  const [days, setDays] = useState(account.retentionDays?.toString() ?? '');
  const [weight, setWeight] = useState(account.dispatchWeight.toString());
  const [workflows, setWorkflows] = useState(account.workflows);
  const [contact, setContact] = useState(account.contactEmail ?? '');
  const save = useSave(account);
  const errors = fieldErrors(save.error);
  const number = (field: string, min: number, value: string, set: (text: string) => void): TextInputProps => ({
    ...{ type: 'number', min, value, error: errorAt(errors, field) },
    onChange: (event) => set(event.currentTarget.value),
  });
  return (
    <Section title="Operation">
      <form
        className="stack"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({
            ...{ receivesOperationalEvents, validatePayloads },
            disableAfterHours: numberOrNull(hours),
            retentionDays: numberOrNull(days),
            dispatchWeight: Number(weight),
            workflows,
            contactEmail: contact.trim() || null,
          });
        }}
      >
        <Checkbox
          label="Receives operational events"
          description="For example about a disabled subscription; this account then causes none itself"
          checked={receivesOperationalEvents}
          error={errorAt(errors, 'receivesOperationalEvents')}
          onChange={(event) => setReceives(event.currentTarget.checked)}
        />
        <Checkbox
          label="Checks payloads"
          description="Rejects events that do not match the provider's documentation"
          checked={validatePayloads}
          error={errorAt(errors, 'validatePayloads')}
          onChange={(event) => setValidate(event.currentTarget.checked)}
        />
        <TextInput
          {...number('disableAfterHours', 1, hours, setHours)}
          label="Disable a subscription after hours of failure"
          description="Only if the contract has no rule for it; empty for never"
        />
        <TextInput
          {...number('retentionDays', 0, days, setDays)}
          label="Retention in days"
          description="0 keeps them indefinitely; empty means PIGEONPOST_RETENTION_DAYS"
        />
        <TextInput
          {...number('dispatchWeight', 1, weight, setWeight)}
          label="Weight"
          description="Deliveries started per round when several accounts wait"
        />
        <NativeSelect
          label="Workflows in Temporal"
          description="When a delivery gets a workflow; the default is PIGEONPOST_WORKFLOWS"
          data={WORKFLOW_MODES}
          value={workflows ?? ''}
          error={errorAt(errors, 'workflows')}
          onChange={(event) => setWorkflows((event.currentTarget.value || null) as Chosen['workflows'])}
        />
        <Contact value={contact} set={setContact} error={errorAt(errors, 'contactEmail')} />
        <div className="row">
          <Button type="submit" variant="default" loading={save.isPending}>
            Save
          </Button>
          {save.isSuccess && <span role="status">Saved.</span>}
        </div>
        {save.error && errors.size === 0 && <Failure error={save.error} />}
      </form>
    </Section>
  );
}

function Contact({ value, set, error }: { value: string; set: (text: string) => void; error: string | undefined }) {
  return (
    <TextInput
      type="email"
      label="Mail address of the customer"
      description="Where alerts for the customer are sent; empty for nowhere"
      value={value}
      error={error}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}

/** Saves what has been changed. What has not is not sent: someone else may have changed it at the same time. */
function useSave(account: AccountDetail) {
  const { client } = useSession();
  const cache = useQueryClient();
  const { id } = account;
  const [before, setBefore] = useState<Chosen>(account);
  return useMutation({
    mutationFn: (now: Chosen) =>
      unwrap(client.PATCH('/v1/accounts/{id}', { params: { path: { id } }, body: changes(before, now) })),
    onSuccess: (saved) => {
      setBefore(saved);
      return cache.invalidateQueries({ queryKey: ['account', id] });
    },
  });
}

function numberOrNull(text: string): number | null {
  return text === '' ? null : Number(text);
}

function changes(before: Chosen, now: Chosen): Partial<Chosen> {
  const names = Object.keys(now) as (keyof Chosen)[];
  return Object.fromEntries(names.filter((name) => now[name] !== before[name]).map((name) => [name, now[name]]));
}
