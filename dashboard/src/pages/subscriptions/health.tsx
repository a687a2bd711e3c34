/** Whether a receiver is well. */
import type { Subscription } from '../../api/shapes.js';
import { Fact, Facts } from '../../parts/facts.js';
import { counted } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { Ago, Moment } from '../../parts/time.js';

export function Health({
  subscription: { health, enabled, disabledAt, disabledReason },
}: {
  subscription: Subscription;
}) {
  if (!health) return null;
  const { failingSince, lastFailureAt, consecutiveFailures, disablesAt } = health;
  return (
    <Section title="Health">
      {!enabled && (
        <p>
          Disabled {disabledAt && <Ago at={disabledAt} />}{' '}
          {disabledReason ? `because ${disabledReason}` : 'by its owner'}.
        </p>
      )}
      {failingSince === null ? (
        enabled && <p>No attempt has failed since the last one that was accepted.</p>
      ) : (
        <Facts>
          <Fact name="Failing for">
            {counted(consecutiveFailures, 'attempt')}, the first <Ago at={failingSince} />
          </Fact>
          {lastFailureAt && (
            <Fact name="Last failure">
              <Ago at={lastFailureAt} />
            </Fact>
          )}
          <Fact name="Disables">
            {disablesAt ? (
              <>
                by a failure from <Moment at={disablesAt} /> on, unless one is accepted before
              </>
            ) : (
              'not for now'
            )}
          </Fact>
        </Facts>
      )}
    </Section>
  );
}
