/** Text that programs read, in a box that scrolls. */
import styles from './code-block.module.css';

interface Props {
  readonly text: string;
  readonly label: string;
  /** Whether it is as high as its text. */
  readonly whole?: boolean;
}

export function CodeBlock({ text, label, whole }: Props) {
  return (
    // Anyone who has no pointer scrolls it by the keys.
    <pre className={styles.code} data-whole={whole} tabIndex={0} role="group" aria-label={label}>
      {text}
    </pre>
  );
}
