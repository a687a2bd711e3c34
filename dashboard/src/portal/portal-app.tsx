/** Which page of the portal an address shows, as long as its link is valid. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, type ReactNode } from 'react';
import { Redirect, Route, Router, Switch } from 'wouter';
import { ApiError } from '../../../src/client/errors.js';
import { clientFor, SessionProvider, useKeeper, whoIs } from '../api/session.js';
import { Empty, Failure, Loading } from '../parts/page.js';
import { API_URL } from './branding.js';
import { CataloguePage } from './catalogue/catalogue-page.js';
import { PortalDeliveriesPage } from './deliveries/deliveries-page.js';
import { PortalDeliveryPage } from './deliveries/delivery-page.js';
import { EditEndpointPage, NewEndpointPage } from './endpoints/edit-pages.js';
import { EndpointPage } from './endpoints/endpoint-page.js';
import { EndpointsPage } from './endpoints/endpoints-page.js';
import { EndedPage } from './ended-page.js';
import { fragmentHref, useFragmentPath, useFragmentSearch } from './fragment.js';
import { reportExpired } from './frame.js';
import { forgetLink } from './link.js';
import { PortalShell } from './portal-shell.js';
import type { PortalLink } from './read-link.js';
import { VerifyPage } from './verify/verify-page.js';

export function PortalApp({ link }: { link: PortalLink | undefined }) {
  const { signedOut, signOut } = useKeeper();
  const isEnded = signedOut || !link;
  useEffect(() => {
    if (!isEnded) return;
    forgetLink();
    reportExpired();
  }, [isEnded]);
  return isEnded ? <EndedPage /> : <Opened token={link.token} end={signOut} />;
}

function Opened({ token, end }: { token: string; end: () => void }) {
  const client = useMemo(() => clientFor(token, end, API_URL), [token, end]);
  const {
    data: me,
    error,
    refetch,
  } = useQuery({
    queryKey: ['me'],
    queryFn: () => whoIs(client),
    staleTime: Infinity,
  });
  const expiresAt = me?.portal?.expiresAt;
  useEffect(() => {
    if (expiresAt === undefined) return undefined;
    const timer = setTimeout(end, Date.parse(expiresAt) - Date.now());
    return () => clearTimeout(timer);
  }, [expiresAt, end]);
  const signOut = useCallback(() => end(), [end]);
  const session = useMemo(() => me && { client, me, signOut }, [client, me, signOut]);
  if (session)
    return (
      <SessionProvider session={session}>
        <Router hook={useFragmentPath} searchHook={useFragmentSearch} hrefs={fragmentHref}>
          <PortalShell>
            <Pages />
          </PortalShell>
        </Router>
      </SessionProvider>
    );
  const isRefused = error instanceof ApiError && error.status === 401;
  return error && !isRefused ? <Failure error={error} retry={() => void refetch()} /> : <Loading />;
}

function Pages(): ReactNode {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/endpoints" replace />
      </Route>
      <Route path="/endpoints">
        <EndpointsPage />
      </Route>
      <Route path="/endpoints/new">
        <NewEndpointPage />
      </Route>
      <Route path="/endpoints/:id">{({ id }) => <EndpointPage key={id} id={id} />}</Route>
      <Route path="/endpoints/:id/edit">{({ id }) => <EditEndpointPage key={id} id={id} />}</Route>
      <Route path="/deliveries">
        <PortalDeliveriesPage />
      </Route>
      <Route path="/deliveries/:id">{({ id }) => <PortalDeliveryPage key={id} id={id} />}</Route>
      <Route path="/catalogue">
        <CataloguePage />
      </Route>
      <Route path="/verify">
        <VerifyPage />
      </Route>
      <Route>
        <Empty title="No such page" />
      </Route>
    </Switch>
  );
}
