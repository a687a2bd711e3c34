/** Creating and editing an endpoint. */
import { Alert, Button } from '@mantine/core';
import { Link, useLocation } from 'wouter';
import { useContracts } from '../../api/accounts.js';
import type { Subscription } from '../../api/shapes.js';
import { useCreateSubscription, useEditSubscription } from '../../api/subscriptions.js';
import { Identifier } from '../../parts/copy.js';
import { shortUrl } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { useWords } from '../../parts/words.js';
import { useCustomerId, useEndpoint, useRules } from '../access.js';
import { EndpointForm } from './endpoint-form.js';

export function NewEndpointPage() {
  const { endpoint } = useWords();
  const customer = useCustomerId();
  const rules = useRules();
  const { error } = useContracts();
  const create = useCreateSubscription(customer);
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
  const [, navigate] = useLocation();
  const rules = useRules();
  const { data, error } = useEndpoint(id);
  const edit = useEditSubscription(id, () => navigate(`/endpoints/${id}`));
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
