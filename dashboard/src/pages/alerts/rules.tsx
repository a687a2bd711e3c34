/** Alert rules, with buttons to test and delete each. */
import { Alert as Notice, Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AlertRule } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { Confirm } from '../../parts/confirm.js';
import { Empty, Failure, Loading } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { NewRule, type NewRuleBody } from './new-rule.js';
import { TestRule } from './test-rule.js';
import { CONDITIONS, targetText } from './texts.js';

const RULES = ['alert-rules'];

export function Rules() {
  const { client } = useSession();
  const cache = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<AlertRule | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: RULES,
    queryFn: ({ signal }) => unwrap(client.GET('/v1/alert-rules', { signal })),
  });
  const adding = useMutation({
    mutationFn: (body: NewRuleBody) => unwrap(client.POST('/v1/alert-rules', { body })),
    onSuccess: () => {
      setCreating(false);
      return cache.invalidateQueries({ queryKey: RULES });
    },
  });
  const removing = useMutation({
    mutationFn: (id: string) => unwrap(client.DELETE('/v1/alert-rules/{id}', { params: { path: { id } } })),
    onSuccess: () => {
      setDeleting(null);
      return Promise.all([RULES, ['alerts']].map((queryKey) => cache.invalidateQueries({ queryKey })));
    },
  });
  return (
    <Section
      title="Rules"
      beside={
        <Button size="xs" variant="default" onClick={() => setCreating(true)}>
          Add a rule
        </Button>
      }
    >
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading lines={3} />}
      {creating && (
        <NewRule
          busy={adding.isPending}
          error={adding.error}
          create={(body) => adding.mutate(body)}
          close={() => {
            adding.reset();
            setCreating(false);
          }}
        />
      )}
      {adding.data?.secret !== undefined && (
        <SecretShownOnce secret={adding.data.secret} close={() => adding.reset()} />
      )}
      {data?.data.length === 0 && <Empty title="No rules">Nobody is alerted by this installation.</Empty>}
      {data && data.data.length > 0 && (
        <Table caption="Alert rules" head={['Name', 'When', 'For', 'Account', 'Repeats', 'To', 'Actions']}>
          {data.data.map((rule) => (
            <Row key={rule.id} rule={rule} remove={() => setDeleting(rule)} />
          ))}
        </Table>
      )}
      {deleting && (
        <Confirm
          title="Delete an alert rule"
          action="Delete it"
          busy={removing.isPending}
          error={removing.error}
          confirm={() => removing.mutate(deleting.id)}
          close={() => setDeleting(null)}
        >
          <p>The rule “{deleting.name}” is deleted with its alerts. No message says that they are over.</p>
        </Confirm>
      )}
    </Section>
  );
}

function SecretShownOnce({ secret, close }: { secret: string; close: () => void }) {
  return (
    <Notice
      variant="light"
      color="yellow"
      title="The secret of the webhook"
      withCloseButton
      closeButtonLabel="Close"
      onClose={close}
    >
      <p>The receiver verifies messages with it. This is the only time that it is shown.</p>
      <CodeBlock label="Secret" text={secret} />
    </Notice>
  );
}

function Row({ rule, remove }: { rule: AlertRule; remove: () => void }) {
  return (
    <tr>
      <td>
        {rule.name}
        {!rule.enabled && <span className="muted"> (disabled)</span>}
      </td>
      <td>{CONDITIONS[rule.condition]}</td>
      <td>{rule.minutes} min</td>
      <td>{rule.accountId ?? <span className="muted">all</span>}</td>
      <td>
        {rule.repeatAfterMinutes === null ? (
          <span className="muted">never</span>
        ) : (
          `after ${rule.repeatAfterMinutes} min`
        )}
      </td>
      <td>{targetText(rule)}</td>
      <td>
        <div className="row">
          <TestRule rule={rule} />
          <Button size="compact-xs" variant="default" aria-label={`Delete the rule ${rule.name}`} onClick={remove}>
            Delete…
          </Button>
        </div>
      </td>
    </tr>
  );
}
