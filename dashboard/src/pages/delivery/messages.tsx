/** What came in as the event, and what goes out of it. */
import { useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail, SentRequest } from '../../api/shapes.js';
import { CodeBlock } from '../../parts/code-block.js';
import { CopyText } from '../../parts/copy.js';
import { prettyJson } from '../../parts/format.js';
import { Failure, Loading } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { capital, useWords } from '../../parts/words.js';
import { asCurl } from './curl.js';

export function EventPayload({ eventId }: { eventId: string }) {
  const { event } = useWords();
  const { client } = useSession();
  const { data, error } = useQuery({
    queryKey: ['event', eventId],
    // As text, so that large numbers are shown as they were sent.
    queryFn: async ({ signal }) =>
      prettyJson(
        await unwrap<string>(
          client.GET('/v1/events/{id}', { params: { path: { id: eventId } }, signal, parseAs: 'text' }),
        ),
      ),
    staleTime: Infinity,
  });
  return (
    <Section title={capital(event)} beside={data && <CopyText label="Copy" value={data} />}>
      {error && <Failure error={error} />}
      {data ? <CodeBlock label={capital(event)} text={data} /> : !error && <Loading />}
    </Section>
  );
}

function requestTitle(request: SentRequest | undefined): string {
  if (!request) return 'Request, secrets masked';
  return request.attempt === null
    ? 'Request as it would be sent now, secrets masked'
    : `Request of attempt ${request.attempt}, secrets masked`;
}

export function RequestAsSent({ delivery: { id, attemptCount } }: { delivery: DeliveryDetail }) {
  const { client } = useSession();
  const { data, error } = useQuery({
    // Each attempt is stamped and signed by itself, at the address that the subscription then had.
    queryKey: ['request', id, attemptCount],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/deliveries/{id}/request', { params: { path: { id } }, signal })),
  });
  return (
    <Section title={requestTitle(data)} beside={data && <CopyText label="Copy as curl" value={asCurl(data)} />}>
      {error && <Failure error={error} />}
      {data ? (
        <CodeBlock
          label="Request"
          text={[
            `${data.method} ${data.url}`,
            ...data.headers.map(({ name, value }) => `${name}: ${value}`),
            '',
            prettyJson(data.body),
          ].join('\n')}
        />
      ) : (
        !error && <Loading />
      )}
    </Section>
  );
}
