/** Sends a test message of a rule and says whether it was accepted. */
import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { AlertRule } from '../../api/shapes.js';
import { Failure } from '../../parts/page.js';

export function TestRule({ rule: { id, name, target } }: { rule: AlertRule }) {
  const { client } = useSession();
  const [asking, setAsking] = useState(false);
  const [to, setTo] = useState('');
  const test = useMutation({
    mutationFn: (body: { to?: string }) =>
      unwrap(client.POST('/v1/alert-rules/{id}/test', { params: { path: { id } }, body })),
    onSuccess: () => setAsking(false),
  });
  // A test is not sent to customers, so someone has to say where it is sent instead.
  const needsAddress = target.kind === 'customer';
  return (
    <>
      <Button
        size="compact-xs"
        variant="default"
        loading={test.isPending}
        aria-label={`Test the rule ${name}`}
        onClick={() => (needsAddress ? setAsking(true) : test.mutate({}))}
      >
        {needsAddress ? 'Test…' : 'Test'}
      </Button>
      {test.data && <span role="status">{test.data.sent ? 'Sent.' : `Not sent: ${test.data.error}`}</span>}
      {test.error && !asking && <Failure error={test.error} />}
      {asking && (
        <Modal
          opened
          title="Send a test mail"
          onClose={() => setAsking(false)}
          closeButtonProps={{ 'aria-label': 'Close' }}
        >
          <form
            noValidate
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              test.mutate({ to: to.trim() });
            }}
          >
            <TextInput
              type="email"
              label="Mail address"
              description="A test is not sent to customers"
              value={to}
              onChange={(event) => setTo(event.currentTarget.value)}
              data-autofocus
            />
            {test.error && <Failure error={test.error} />}
            <div className="row">
              <Button type="submit" loading={test.isPending}>
                Send it
              </Button>
            </div>
          </form>
        </Modal>
      )}
    </>
  );
}
