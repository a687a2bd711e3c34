/**
 * A question before something that cannot be taken back, in the page itself: a dialog would be in the middle of the frame,
 * which may be far outside of what the reader sees.
 */
import { Alert, Button } from '@mantine/core';
import type { Question } from '../parts/confirm.js';
import { Failure } from '../parts/page.js';

export function Ask({ title, action, busy, error, children, confirm, close }: Question) {
  return (
    <Alert color="red" variant="light" role="alertdialog" title={title}>
      <div className="stack">
        {children}
        {Boolean(error) && <Failure error={error} />}
        <div className="row">
          <Button size="xs" color="red" autoFocus loading={busy} onClick={confirm}>
            {action}
          </Button>
          <Button size="xs" variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </div>
    </Alert>
  );
}
