/** What to recover. The count comes first: nothing is started unseen. */
import { Button, Checkbox, MultiSelect, NumberInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract, Subscription } from '../../api/shapes.js';
import { counted } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { countsByState, recoverable, recoveryBody, type RecoverableState } from './recovery-body.js';
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

/** Counts what a recovery would send again, and starts it. */
function useRecovery(id: string) {
  const { client } = useSession();
  const cache = useQueryClient();
  const params = { path: { id } };
  const count = useMutation({
    mutationFn: async (wanted: Parameters<typeof recoveryBody>[0]) => {
      const body = recoveryBody(wanted, new Date());
      const counted = await unwrap(
        client.POST('/v1/subscriptions/{id}/recover', { params, body: { ...body, dryRun: true } }),
      );
      if (!('dryRun' in counted)) throw new Error('the response is not a count');
      return { body, total: counted.total, byState: countsByState(counted) };
    },
  });
  const start = useMutation({
    mutationFn: (body: ReturnType<typeof recoveryBody>) =>
      unwrap(client.POST('/v1/subscriptions/{id}/recover', { params, body })),
    onSuccess: async (recovery) => {
      count.reset();
      // A new one may take a second to be listed.
      cache.setQueryData<unknown[]>(['recoveries', id], (listed = []) => [recovery, ...listed]);
    },
  });
  return { count, start };
}

export function RecoverForm({ subscription: { id, eventTypes }, contract }: Props) {
  const [states, setStates] = useState<readonly RecoverableState[]>(['retrying', 'failed']);
  const [types, setTypes] = useState<string[]>([]);
  const [period, setPeriod] = useState<Period>({ hours: '24', from: '', to: '', rate: USUAL_RATE });
  const { count, start } = useRecovery(id);
  const found = count.data;
  // A count is of what was chosen then.
  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
      count.reset();
    };
  return (
    <div className="stack">
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
      <div className="row">
        <Button
          variant="default"
          disabled={states.length === 0 || !(period.from !== '' || Number(period.hours) > 0)}
          loading={count.isPending}
          onClick={() =>
            count.mutate({ ...period, hours: Number(period.hours), ratePerSecond: period.rate, states, types })
          }
        >
          Count them
        </Button>
        {found && (
          <span role="status">
            {found.total === 0
              ? 'Nothing to recover.'
              : `${counted(found.total, 'delivery', 'deliveries')} to send again: ` +
                `${found.byState.map(({ state, count }) => `${count} ${state}`).join(', ')}.`}
          </span>
        )}
        {found && found.total > 0 && (
          <Button loading={start.isPending} onClick={() => start.mutate(found.body)}>
            Send {counted(found.total, 'delivery', 'deliveries')} again
          </Button>
        )}
      </div>
      {count.error && <Failure error={count.error} />}
      {start.error && <Failure error={start.error} />}
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
