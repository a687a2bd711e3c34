/** Text that programs read, in a box that scrolls. */
import styles from './code-block.module.css';

export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    // Anyone who has no pointer scrolls it by the keys.
    <pre className={styles.code} tabIndex={0} role="group" aria-label={label}>
      {text}
    </pre>
  );
}
