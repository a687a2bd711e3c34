/** Creating and editing a subscription, by a form made from the contract's schema. */
import { Alert, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useAccount, useContracts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import type { Contract, Subscription } from '../../api/shapes.js';
import { useCreateSubscription, useEditSubscription } from '../../api/subscriptions.js';
import { Identifier } from '../../parts/copy.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { SubscriptionForm } from './subscription-form.js';

export function NewSubscriptionPage({ accountId }: { accountId: string }) {
  const { data: account, error } = useAccount(accountId);
  const contracts = useContracts();
  const contract = contracts.data?.find(({ provider }) => provider === account?.provider);
  const create = useCreateSubscription(accountId);
  const problem = error ?? contracts.error;
  return (
    <div className="stack">
      <PageHead title="New subscription" beside={account && <span className="muted">for {account.name}</span>} />
      {problem && <Failure error={problem} />}
      {!problem && !contract && <Loading lines={8} />}
      {create.data && <Created subscription={create.data} />}
      {contract && !create.data && (
        <SubscriptionForm
          accountId={accountId}
          contract={contract}
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

function Created({ subscription: { id, url, secret } }: { subscription: Subscription }) {
  return (
    <Alert variant="light" color="green" role="status" title="Created">
      <div className="stack">
        <p>Events go to {url} from now on.</p>
        {secret && (
          <p>
            The receiver verifies with <Identifier value={secret} />
          </p>
        )}
        <div>
          <Button component={Link} href={`/subscriptions/${id}`}>
            To the subscription
          </Button>
        </div>
      </div>
    </Alert>
  );
}

export function EditSubscriptionPage({ id }: { id: string }) {
  const { client } = useSession();
  const contracts = useContracts();
  const { data, error } = useQuery({
    queryKey: ['subscription', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/subscriptions/{id}', { params: { path: { id } }, signal })),
  });
  const contract = contracts.data?.find(({ provider }) => provider === data?.provider);
  const problem = error ?? contracts.error;
  return (
    <div className="stack">
      <PageHead title="Edit subscription" />
      {problem && <Failure error={problem} />}
      {!problem && (data && contract ? <EditForm subscription={data} contract={contract} /> : <Loading lines={8} />)}
    </div>
  );
}

function EditForm({ subscription, contract }: { subscription: Subscription; contract: Contract }) {
  const [, navigate] = useLocation();
  const { id } = subscription;
  const edit = useEditSubscription(id, () => navigate(`/subscriptions/${id}`));
  return (
    <SubscriptionForm
      accountId={subscription.accountId}
      contract={contract}
      before={subscription}
      submitLabel="Save"
      busy={edit.isPending}
      error={edit.error}
      submit={(changes) => edit.mutate(changes)}
    />
  );
}
