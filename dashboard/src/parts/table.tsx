/** A table in a frame that scrolls sideways where it does not fit. */
import type { ReactNode } from 'react';
import styles from './table.module.css';

interface Props {
  readonly caption: string;
  /** Titles of the columns; those in `numbers` are set to the right. */
  readonly head: readonly string[];
  readonly numbers?: readonly string[];
  readonly children: ReactNode;
}

export function Table({ caption, head, numbers = [], children }: Props) {
  return (
    <div className={styles.frame} tabIndex={0} role="group" aria-label={caption}>
      <table className={styles.table}>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((title) => (
              <th key={title} scope="col" data-number={numbers.includes(title) || undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
