/** Sending again what an endpoint has missed in a period: counted first, then started and followed. */
import { Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Subscription } from '../../api/shapes.js';
import { RecoveryList } from '../../pages/subscriptions/recoveries.js';
import { CountAndSend, useRecovery } from '../../pages/subscriptions/recovery.js';
import type { RecoverableState } from '../../pages/subscriptions/recovery-body.js';
import { Section } from '../../parts/section.js';
import { useWords } from '../../parts/words.js';
import styles from '../../pages/subscriptions/inline-form.module.css';

/** Hours before now that are searched where no start is given. */
const HOURS = 24;

export function Missed({ endpoint }: { endpoint: Subscription }) {
  const words = useWords();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [withMissing, setWithMissing] = useState(false);
  const recovery = useRecovery(endpoint.id);
  const { change } = recovery;
  const states: RecoverableState[] = ['retrying', 'failed', ...(withMissing ? (['missing'] as const) : [])];
  return (
    <Section title={`Send missed ${words.events} again`}>
      <p className="muted">Those that failed or still wait, of the last {HOURS} hours unless you choose a period.</p>
      <div className={styles.form}>
        <TimeField label="From" value={from} set={change(setFrom)} />
        <TimeField label="To" value={to} set={change(setTo)} />
      </div>
      <Checkbox
        size="sm"
        label={`Also ${words.events} that it was never sent, as it was disabled or did not exist yet`}
        checked={withMissing}
        onChange={(event) => change(setWithMissing)(event.currentTarget.checked)}
      />
      <CountAndSend recovery={recovery} wanted={{ hours: HOURS, from, to, states, types: [] }} />
      <RecoveryList subscription={endpoint} />
    </Section>
  );
}

function TimeField({ label, value, set }: { label: string; value: string; set: (value: string) => void }) {
  return (
    <TextInput type="datetime-local" label={label} value={value} onChange={(event) => set(event.currentTarget.value)} />
  );
}
