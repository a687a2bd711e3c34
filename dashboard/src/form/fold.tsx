/** Fields that are shown on request, or at once when there is an error of one of them. */
import { useState, type ReactNode } from 'react';
import { errorAt, type FieldErrors } from './errors.js';
import styles from './fold.module.css';

interface Props {
  readonly title: string;
  /** The fields in it. */
  readonly names: readonly string[];
  readonly errors: FieldErrors;
  /** Whether they are shown from the start. */
  readonly isOpen?: boolean;
  readonly children: ReactNode;
}

export function Fold({ title, names, errors, isOpen = false, children }: Props) {
  const [open, setOpen] = useState(isOpen);
  const hasError = names.some((name) => errorAt(errors, name) !== undefined);
  return (
    <details className={styles.fold} open={open || hasError} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      <div className="stack">{children}</div>
    </details>
  );
}
