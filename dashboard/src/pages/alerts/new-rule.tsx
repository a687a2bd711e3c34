/** The form for a new alert rule: what it looks for, for how long, and where messages go. */
import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { paths } from '../../../../src/client/generated.js';
import type { AlertRule } from '../../api/shapes.js';
import { allShown, errorAt, fieldErrors, type FieldErrors } from '../../form/errors.js';
import { AccountSelect } from '../../parts/account-select.js';
import { Failure } from '../../parts/page.js';
import { CONDITIONS, TARGETS } from './texts.js';

export type NewRuleBody = paths['/v1/alert-rules']['post']['requestBody']['content']['application/json'];

const choicesOf = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([value, label]) => ({ value, label }));

interface Props {
  readonly busy: boolean;
  readonly error: Error | null;
  readonly create: (body: NewRuleBody) => void;
  readonly close: () => void;
}

export function NewRule({ busy, error, create, close }: Props) {
  const [name, setName] = useState('');
  const [condition, setCondition] = useState<AlertRule['condition']>('subscription_failing');
  const [minutes, setMinutes] = useState('15');
  const [accountId, setAccountId] = useState<string | undefined>();
  const [repeat, setRepeat] = useState('');
  const [kind, setKind] = useState<Kind>('webhook');
  const [address, setAddress] = useState('');
  const errors = fieldErrors(error);
  return (
    <Modal opened title="New alert rule" onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        noValidate
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create({
            ...{ condition, minutes: Number(minutes), target: targetOf(kind, address.trim()) },
            ...(name.trim() === '' ? {} : { name: name.trim() }),
            ...(accountId === undefined ? {} : { accountId }),
            ...(repeat === '' ? {} : { repeatAfterMinutes: Number(repeat) }),
          });
        }}
      >
        <TextInput
          label="Name"
          description="Is part of the messages; the condition and the target when empty"
          value={name}
          error={errorAt(errors, 'name')}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <NativeSelect
          label="When"
          value={condition}
          error={errorAt(errors, 'condition')}
          data={choicesOf(CONDITIONS)}
          onChange={(event) => {
            const chosen = event.currentTarget.value as AlertRule['condition'];
            setCondition(chosen);
            setMinutes(chosen === 'subscription_disabled' || chosen === 'breaker_open' ? '0' : '15');
          }}
        />
        <TextInput
          type="number"
          min={0}
          label="For at least so many minutes"
          value={minutes}
          error={errorAt(errors, 'minutes')}
          onChange={(event) => setMinutes(event.currentTarget.value)}
        />
        <AccountSelect size="sm" value={accountId} set={setAccountId} />
        <TargetFields kind={kind} address={address} errors={errors} setKind={setKind} setAddress={setAddress} />
        <TextInput
          type="number"
          min={5}
          label="Repeat after so many minutes"
          description="Empty to send one message only"
          value={repeat}
          error={errorAt(errors, 'repeatAfterMinutes')}
          onChange={(event) => setRepeat(event.currentTarget.value)}
        />
        {error && !allShown(errors, ['name', 'condition', 'minutes', 'target', 'repeatAfterMinutes']) && (
          <Failure error={error} />
        )}
        <div className="row">
          <Button type="submit" loading={busy}>
            Create the rule
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        </div>
      </form>
    </Modal>
  );
}

type Kind = AlertRule['target']['kind'];

interface TargetProps {
  readonly kind: Kind;
  readonly address: string;
  readonly errors: FieldErrors;
  readonly setKind: (kind: Kind) => void;
  readonly setAddress: (address: string) => void;
}

function TargetFields({ kind, address, errors, setKind, setAddress }: TargetProps) {
  return (
    <>
      <NativeSelect
        label="To"
        value={kind}
        error={errorAt(errors, 'target.kind')}
        data={choicesOf(TARGETS)}
        onChange={(event) => setKind(event.currentTarget.value as Kind)}
      />
      {kind !== 'customer' && (
        <TextInput
          label={kind === 'mail' ? 'Mail address' : 'URL'}
          value={address}
          error={errorAt(errors, kind === 'mail' ? 'target.to' : 'target.url')}
          onChange={(event) => setAddress(event.currentTarget.value)}
        />
      )}
    </>
  );
}

function targetOf(kind: Kind, address: string): NewRuleBody['target'] {
  if (kind === 'customer') return { kind };
  return kind === 'mail' ? { kind, to: address } : { kind, url: address };
}
