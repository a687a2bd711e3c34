/** What to recover. The count comes first: nothing is started unseen. */
import { Checkbox, MultiSelect, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Contract, Subscription } from '../../api/shapes.js';
import { recoverable, type RecoverableState } from './recovery-body.js';
import { CountAndSend, useRecovery } from './recovery.js';
import styles from './inline-form.module.css';

const MEANINGS: Readonly<Record<RecoverableState, string>> = {
  retrying: 'retrying (wait for their next attempt, which is made now)',
  failed: 'failed',
  cancelled: 'cancelled',
  delivered: 'delivered (sent once more)',
  missing: 'missing (events it takes but has no delivery of)',
};

/** Deliveries per second, as the API has it. */
const USUAL_RATE = 10;

interface Props {
  readonly subscription: Subscription;
  readonly contract: Contract | undefined;
}

export function RecoverForm({ subscription: { id, eventTypes, enabled }, contract }: Props) {
  // A disabled subscription gets no deliveries, so what it missed is missing.
  const [states, setStates] = useState<readonly RecoverableState[]>(
    enabled ? ['retrying', 'failed'] : ['retrying', 'failed', 'missing'],
  );
  const [types, setTypes] = useState<string[]>([]);
  const [period, setPeriod] = useState<Period>({ hours: '24', from: '', to: '', rate: USUAL_RATE });
  const recovery = useRecovery(id);
  const { change } = recovery;
  return (
    <div className="stack">
      {!enabled && <p>The subscription is disabled: what is recovered waits as paused until it is enabled again.</p>}
      <div className={styles.form}>
        <PeriodFields period={period} set={change(setPeriod)} />
        <MultiSelect
          label="Event types"
          placeholder={types.length === 0 ? 'all' : undefined}
          data={eventTypes.length > 0 ? eventTypes : (contract?.events ?? []).map(({ type }) => type)}
          value={types}
          onChange={change(setTypes)}
        />
      </div>
      <Checkbox.Group
        label="Deliveries that are"
        value={[...states]}
        onChange={change((chosen: string[]) => setStates(recoverable.filter((state) => chosen.includes(state))))}
      >
        <div className={styles.choices}>
          {recoverable.map((state) => (
            <Checkbox key={state} value={state} label={MEANINGS[state]} size="sm" />
          ))}
        </div>
      </Checkbox.Group>
      <CountAndSend
        recovery={recovery}
        wanted={{ ...period, hours: Number(period.hours), ratePerSecond: period.rate, states, types }}
        disabled={states.length === 0 || !(period.from !== '' || Number(period.hours) > 0)}
      />
    </div>
  );
}

/** The fields of when deliveries were created, and how fast they are sent. */
interface Period {
  readonly hours: string;
  readonly from: string;
  readonly to: string;
  readonly rate: number;
}

function PeriodFields({ period, set }: { period: Period; set: (period: Period) => void }) {
  return (
    <>
      <TextInput
        label="In the last hours"
        type="number"
        min={1}
        value={period.hours}
        disabled={period.from !== ''}
        onChange={(event) => set({ ...period, hours: event.currentTarget.value })}
      />
      {(['from', 'to'] as const).map((end) => (
        <TextInput
          key={end}
          type="datetime-local"
          label={end === 'from' ? 'Or from' : 'Until'}
          value={period[end]}
          onChange={(event) => set({ ...period, [end]: event.currentTarget.value })}
        />
      ))}
      <NumberInput
        label="Deliveries per second, at most"
        min={1}
        max={1_000}
        value={period.rate}
        onChange={(value) => set({ ...period, rate: Number(value) || USUAL_RATE })}
      />
    </>
  );
}
