import { Link } from 'wouter';
import { Empty, PageHead } from '../parts/page.js';

export function NotFoundPage() {
  return (
    <div className="stack">
      <PageHead title="No such page" />
      <Empty title="This page does not exist.">
        See the <Link href="/overview">overview</Link> or the <Link href="/deliveries">deliveries</Link>.
      </Empty>
    </div>
  );
}
