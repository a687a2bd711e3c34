/** What an event is about: its data, as the platform gave it. */
import { useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { CodeBlock } from '../../parts/code-block.js';
import { CopyText } from '../../parts/copy.js';
import { prettyPart } from '../../parts/format.js';
import { Failure, Loading } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { useWords } from '../../parts/words.js';

export function EventData({ id }: { id: string }) {
  const { event } = useWords();
  const { client } = useSession();
  const { data, error, isPending } = useQuery({
    queryKey: ['event-data', id],
    // As text, so that large numbers are shown as they were sent.
    queryFn: async ({ signal }) => {
      const params = { path: { id } };
      const text = await unwrap<string>(client.GET('/v1/events/{id}', { params, signal, parseAs: 'text' }));
      return prettyPart(text, 'data') ?? null;
    },
    staleTime: Infinity,
  });
  return (
    <Section title={`Data of the ${event}`} beside={data && <CopyText label="Copy" value={data} />}>
      {error && <Failure error={error} />}
      {isPending && <Loading />}
      {data && <CodeBlock label={`Data of the ${event}`} text={data} />}
      {data === null && <p className="muted">It is no longer stored.</p>}
    </Section>
  );
}
