/** How a subscription is set up. */
import { Link } from 'wouter';
import { useAccount } from '../../api/accounts.js';
import type { Subscription } from '../../api/shapes.js';
import { labelOf } from '../../form/schema-field.js';
import { isSet, valueText } from '../../form/values.js';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { Section } from '../../parts/section.js';
import { Moment } from '../../parts/time.js';

/** Shown elsewhere, or with components of their own. */
const APART = new Set([
  ...['id', 'reference', 'accountId', 'provider', 'url', 'enabled', 'disabledReason', 'disabledAt', 'health', 'secret'],
  ...['pausedAt', 'pausedReason', 'resumeRatePerSecond', 'breaker'],
  ...['createdAt', 'updatedAt'],
]);

export function Settings({ subscription }: { subscription: Subscription }) {
  const { id, reference, accountId, url, createdAt, updatedAt } = subscription;
  const { data: account } = useAccount(accountId);
  return (
    <Section title="Settings">
      <Facts>
        <Fact name="Subscription">
          <Identifier value={id} />
        </Fact>
        <Fact name="Reference">
          <Identifier value={reference} />
        </Fact>
        <Fact name="Account">
          <Link href={`/accounts/${accountId}`}>{account?.name ?? accountId}</Link> ({subscription.provider})
        </Fact>
        <Fact name="URL">{url}</Fact>
        {Object.entries(subscription)
          .filter(([name, value]) => !APART.has(name) && isSet(value))
          .map(([name, value]) => (
            <Fact key={name} name={labelOf(name)}>
              {valueText(value)}
            </Fact>
          ))}
        <Fact name="Created">
          <Moment at={createdAt} />
        </Fact>
        <Fact name="Changed">
          <Moment at={updatedAt} />
        </Fact>
      </Facts>
    </Section>
  );
}
