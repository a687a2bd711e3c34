/** A question before something that cannot be taken back. */
import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { Failure } from './page.js';

export interface Question {
  readonly title: string;
  readonly action: string;
  readonly busy: boolean;
  readonly error: unknown;
  readonly children: ReactNode;
  readonly confirm: () => void;
  readonly close: () => void;
}

export function Confirm({ title, action, busy, error, children, confirm, close }: Question) {
  return (
    <Modal opened title={title} onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="stack">
        {children}
        {Boolean(error) && <Failure error={error} />}
        <div className="row">
          <Button color="red" loading={busy} onClick={confirm}>
            {action}
          </Button>
          <Button variant="default" onClick={close}>
            Leave it
          </Button>
        </div>
      </div>
    </Modal>
  );
}
