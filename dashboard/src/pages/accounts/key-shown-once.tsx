/** A new key, which the API does not show again. */
import { Alert, Button, CopyButton, Modal } from '@mantine/core';
import { CodeBlock } from '../../parts/code-block.js';

interface Props {
  readonly title: string;
  readonly apiKey: string;
  readonly close: () => void;
}

export function KeyShownOnce({ title, apiKey, close }: Props) {
  return (
    <Modal
      opened
      title={title}
      onClose={close}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className="stack">
        <Alert variant="light" color="yellow">
          This is the only time that the key is shown. Keep it where your secrets are.
        </Alert>
        <CodeBlock label="API key" text={apiKey} />
        <div className="row">
          <CopyButton value={apiKey}>
            {({ copied, copy }) => <Button onClick={copy}>{copied ? 'Copied' : 'Copy the key'}</Button>}
          </CopyButton>
          <Button variant="default" onClick={close}>
            I have it
          </Button>
        </div>
      </div>
    </Modal>
  );
}
