/** Copying to the clipboard. */
import { Button, CopyButton, UnstyledButton } from '@mantine/core';
import styles from './copy.module.css';

/** An id that is copied by a click. */
export function Identifier({ value }: { value: string }) {
  return (
    <CopyButton value={value} timeout={1_500}>
      {({ copied, copy }) => (
        <UnstyledButton className={styles.id} onClick={copy} title="Copy">
          {copied ? 'copied' : value}
          <span className="hidden">, copy</span>
        </UnstyledButton>
      )}
    </CopyButton>
  );
}

/** A button that copies a longer text. */
export function CopyText({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={1_500}>
      {({ copied, copy }) => (
        <Button size="compact-xs" variant="default" onClick={copy}>
          {copied ? 'Copied' : label}
        </Button>
      )}
    </CopyButton>
  );
}
