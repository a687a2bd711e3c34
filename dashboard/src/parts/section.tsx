/** A part of a page under a title of its own. */
import { useId, type ReactNode } from 'react';
import styles from './section.module.css';

interface Props {
  readonly title: string;
  /** Buttons, or a word beside the title. */
  readonly beside?: ReactNode;
  readonly children: ReactNode;
}

export function Section({ title, beside, children }: Props) {
  const id = useId();
  return (
    <section className={`panel ${styles.section}`} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        {beside && <div className="row">{beside}</div>}
      </div>
      {children}
    </section>
  );
}
