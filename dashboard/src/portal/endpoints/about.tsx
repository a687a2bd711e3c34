/** How an endpoint is set up, and what its last day was like. */
import type { Subscription } from '../../api/shapes.js';
import { labelOf } from '../../form/schema-field.js';
import { isSet, valueText } from '../../form/values.js';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { count } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { Moment } from '../../parts/time.js';
import { capital, deliveriesOf, useWords } from '../../parts/words.js';
import { useRules } from '../access.js';
import { endpointFields } from './endpoint-fields.js';
import { useFigures } from './waiting.js';

/** Shown with components of their own. */
const APART = ['url', 'eventTypes', 'description'];

export function About({ endpoint }: { endpoint: Subscription }) {
  const words = useWords();
  const rules = useRules();
  const { id, url, eventTypes, description, createdAt, updatedAt } = endpoint;
  const { main, more } = endpointFields(rules?.subscriptionSchema ?? {}, words, rules?.openCatalogue ?? false);
  const others = [...Object.keys(main.properties ?? {}), ...Object.keys(more.properties ?? {})]
    .filter((name) => !APART.includes(name))
    .flatMap((name) => (isSet(endpoint[name]) ? [[name, endpoint[name]] as const] : []));
  return (
    <Section title="Settings">
      <Facts>
        <Fact name={capital(words.endpoint)}>
          <Identifier value={id} />
        </Fact>
        <Fact name="URL">{url}</Fact>
        <Fact name={`${capital(words.event)} types`}>{eventTypes.length === 0 ? 'all' : eventTypes.join(', ')}</Fact>
        {description && <Fact name="Description">{description}</Fact>}
        {others.map(([name, value]) => (
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
        <LastDay id={id} />
      </Facts>
    </Section>
  );
}

/** How the deliveries of the last 24 hours have ended so far. */
function LastDay({ id }: { id: string }) {
  const words = useWords();
  const { data } = useFigures(id);
  if (!data) return null;
  const { delivered, failed } = data.states;
  return (
    <Fact name="Last 24 hours">
      {deliveriesOf(words, delivered)} accepted, {count(failed)} failed
    </Fact>
  );
}
