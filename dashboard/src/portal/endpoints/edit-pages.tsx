/** Creating and editing an endpoint. */
import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useContracts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import type { Values } from '../../form/values.js';
import { Identifier } from '../../parts/copy.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { useWords } from '../../parts/words.js';
import { shortUrl, useCustomerId, useEndpoint, useRules } from '../access.js';
import { EndpointForm } from './endpoint-form.js';

type NewBody = { url: string; eventTypes: string[] } & Values;

export function NewEndpointPage() {
  const { endpoint } = useWords();
  const { client } = useSession();
  const cache = useQueryClient();
  const customer = useCustomerId();
  const rules = useRules();
  const { error } = useContracts();
  const create = useMutation({
    mutationFn: (values: Values) =>
      unwrap(
        client.POST('/v1/accounts/{id}/subscriptions', {
          params: { path: { id: customer } },
          body: { eventTypes: [], ...values } as unknown as NewBody,
        }),
      ),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['subscriptions'] }),
  });
  return (
    <div className="stack">
      <PageHead title={`New ${endpoint}`} />
      {error && <Failure error={error} />}
      {!error && !rules && <Loading lines={8} />}
      {create.data && <Created created={create.data} />}
      {rules && !create.data && (
        <EndpointForm
          rules={rules}
          before={{}}
          submitLabel="Create"
          busy={create.isPending}
          error={create.error}
          submit={(values) => create.mutate(values)}
        />
      )}
    </div>
  );
}

function Created({ created: { id, url, secret } }: { created: Subscription }) {
  const { endpoint, events } = useWords();
  return (
    <Alert variant="light" color="green" role="status" title="Created">
      <div className="stack">
        <p>
          Your {events} go to {shortUrl(url)} from now on.
        </p>
        {secret && (
          <p>
            Verify them with this secret: <Identifier value={secret} />
          </p>
        )}
        <div>
          <Button component={Link} href={`/endpoints/${id}`}>
            To the {endpoint}
          </Button>
        </div>
      </div>
    </Alert>
  );
}

export function EditEndpointPage({ id }: { id: string }) {
  const { endpoint } = useWords();
  const { client } = useSession();
  const cache = useQueryClient();
  const [, navigate] = useLocation();
  const rules = useRules();
  const { data, error } = useEndpoint(id);
  const edit = useMutation({
    mutationFn: (body: Values) => unwrap(client.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body })),
    onSuccess: async () => {
      await Promise.all(
        [['subscription', id], ['subscriptions']].map((queryKey) => cache.invalidateQueries({ queryKey })),
      );
      navigate(`/endpoints/${id}`);
    },
  });
  return (
    <div className="stack">
      <PageHead title={`Edit ${endpoint}`} />
      {error && <Failure error={error} />}
      {!error && !(data && rules) && <Loading lines={8} />}
      {data && rules && (
        <EndpointForm
          rules={rules}
          before={data}
          submitLabel="Save"
          busy={edit.isPending}
          error={edit.error}
          submit={(changes) => edit.mutate(changes)}
        />
      )}
    </div>
  );
}
