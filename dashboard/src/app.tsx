/** Which page an address shows, to anyone who is signed in. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useMemo } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { unwrap } from '../../src/client/client.js';
import { ApiError } from '../../src/client/errors.js';
import { clientFor, SESSION_ENDED, SessionProvider, useKeeper, whoIs, type Session } from './api/session.js';
import { Shell } from './layout/shell.js';
import { AlertsPage } from './pages/alerts/alerts-page.js';
import { AuditPage } from './pages/access/audit-page.js';
import { KeysPage } from './pages/access/keys-page.js';
import { AccountPage } from './pages/accounts/account-page.js';
import { AccountsPage } from './pages/accounts/accounts-page.js';
import { ContractsPage } from './pages/contracts/contracts-page.js';
import { DeliveriesPage } from './pages/deliveries/deliveries-page.js';
import { DeliveryPage } from './pages/delivery/delivery-page.js';
import { EventPage } from './pages/events/event-page.js';
import { EventsPage } from './pages/events/events-page.js';
import { EventTypesPage } from './pages/event-types/event-types-page.js';
import { JobsPage } from './pages/jobs/jobs-page.js';
import { FindPage } from './pages/find/find-page.js';
import { NotFoundPage } from './pages/not-found-page.js';
import { SignInPage } from './pages/sign-in-page.js';
import { EditSubscriptionPage, NewSubscriptionPage } from './pages/subscriptions/edit-page.js';
import { SubscriptionPage } from './pages/subscriptions/subscription-page.js';
import { SubscriptionsPage } from './pages/subscriptions/subscriptions-page.js';
import { Failure, Loading } from './parts/page.js';
import { useZone } from './parts/zone.js';

// The library that draws its charts is half of all there is.
const OverviewPage = lazy(() => import('./pages/overview/overview-page.js'));

const ME = ['me'];

export function App() {
  const { session, signedOut, signOut } = useKeeper();
  return signedOut ? <SignInPage /> : <SignedIn key={session} signOut={signOut} />;
}

function SignedIn({ signOut }: { signOut: Session['signOut'] }) {
  // All pages show times.
  useZone();
  const cache = useQueryClient();
  const client = useMemo(() => {
    // Who has not signed in yet is not signed out.
    const isKnown = () => cache.getQueryData(ME) !== undefined;
    return clientFor(undefined, () => signOut(isKnown() ? SESSION_ENDED : undefined));
  }, [cache, signOut]);
  const { data: me, error, refetch } = useQuery({ queryKey: ME, queryFn: () => whoIs(client), staleTime: Infinity });
  const end = useCallback(
    (reason?: string) => {
      if (reason !== undefined) return signOut(reason);
      void unwrap(client.DELETE('/v1/sessions/current')).then(
        () => signOut(),
        (problem: Error) => signOut(`This browser may still be signed in: ${problem.message}. Sign in and out again.`),
      );
    },
    [client, signOut],
  );
  const session = useMemo(() => me && { client, me, signOut: end }, [client, me, end]);
  if (session)
    return (
      <SessionProvider session={session}>
        <Shell>
          <Pages />
        </Shell>
      </SessionProvider>
    );
  const refused = error instanceof ApiError && error.status === 401;
  return error && !refused ? <Failure error={error} retry={() => void refetch()} /> : <Loading />;
}

function Pages() {
  return (
    <Suspense fallback={<Loading />}>
      <Switch>
        <Route path="/">
          <Redirect to="/overview" replace />
        </Route>
        <Route path="/overview">
          <OverviewPage />
        </Route>
        <Route path="/deliveries">
          <DeliveriesPage />
        </Route>
        <Route path="/deliveries/:id">{({ id }) => <DeliveryPage key={id} id={id} />}</Route>
        <Route path="/jobs">
          <JobsPage />
        </Route>
        <Route path="/find">
          <FindPage />
        </Route>
        <Route path="/events">
          <EventsPage />
        </Route>
        <Route path="/events/:id">{({ id }) => <EventPage key={id} id={id} />}</Route>
        <Route path="/subscriptions">
          <SubscriptionsPage />
        </Route>
        <Route path="/subscriptions/new/:accountId">
          {({ accountId }) => <NewSubscriptionPage key={accountId} accountId={accountId} />}
        </Route>
        <Route path="/subscriptions/:id">{({ id }) => <SubscriptionPage key={id} id={id} />}</Route>
        <Route path="/subscriptions/:id/edit">{({ id }) => <EditSubscriptionPage key={id} id={id} />}</Route>
        <Route path="/accounts">
          <AccountsPage />
        </Route>
        <Route path="/accounts/:id">{({ id }) => <AccountPage key={id} id={id} />}</Route>
        <Route path="/keys">
          <KeysPage />
        </Route>
        <Route path="/alerts">
          <AlertsPage />
        </Route>
        <Route path="/audit">
          <AuditPage />
        </Route>
        <Route path="/event-types">
          <EventTypesPage />
        </Route>
        <Route path="/contracts/:provider?">{({ provider }) => <ContractsPage provider={provider} />}</Route>
        <Route>
          <NotFoundPage />
        </Route>
      </Switch>
    </Suspense>
  );
}
