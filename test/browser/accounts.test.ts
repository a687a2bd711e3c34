/** Signing in, the customer's portal, accounts and their keys. */
import { ADMIN_KEY } from '../support/api.js';
import { describeInBrowser, emit, newReceiver, openDashboard, signIn, type DashboardHarness } from './support.js';

describeInBrowser('the dashboard', () => {
  let dashboard: DashboardHarness;
  beforeAll(async () => void (dashboard = await openDashboard()));
  afterEach(() => dashboard.closePages());
  afterAll(() => dashboard.close());

  test('says what is wrong with a key', async () => {
    const page = await dashboard.open();
    await page.goto('/deliveries');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Enter a key.').waitFor();
    await page.getByLabel('Key', { exact: true }).fill('not-a-key-that-is-known');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The API does not know this key.').waitFor();
  });

  test('stays where one wanted to go, keeps the key nowhere and ends the session', async () => {
    const page = await dashboard.open();
    await page.goto('/accounts');
    await signIn(page, ADMIN_KEY);
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    const stored = () => page.evaluate('[localStorage, sessionStorage].map((store) => Object.values(store).join())');
    expect(((await stored()) as string[]).join()).not.toContain(ADMIN_KEY);
    expect(await page.evaluate('document.cookie')).toBe('');
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: 'pigeonpost_session', httpOnly: true, sameSite: 'Strict' });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Key', { exact: true }).waitFor();
    expect(await page.context().cookies()).toEqual([]);
    const headers = { cookie: `${cookie!.name}=${cookie!.value}` };
    expect((await fetch(`${dashboard.system.url}/v1/me`, { headers })).status).toBe(401);
  });

  test('signs out whose key is revoked', async () => {
    const { account } = await newReceiver(dashboard, 'Revoked');
    const page = await dashboard.openAt('/overview', { key: account.apiKey });
    // Until the page knows who is signed in, nobody is signed out.
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const { keys } = await dashboard.ask('GET', `/v1/accounts/${account.id}`);
    await dashboard.system.ask('DELETE', `/v1/accounts/${account.id}/keys/${keys[0].id}`);
    // The next request is refused: going on to another page, or the overview that keeps itself up to date.
    const signedOut = page.getByText('no longer').waitFor();
    await Promise.race([signedOut, page.getByRole('link', { name: 'Subscriptions' }).click()]);
    await signedOut;
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
  });

  test('shows an account its own things only', async () => {
    const { account } = await newReceiver(dashboard, 'Customer');
    const other = await newReceiver(dashboard, 'Somebody else');
    const [own, foreign] = [await emit(dashboard, account.id), await emit(dashboard, other.account.id)];
    await dashboard.system.settled(foreign, 'delivered');
    await dashboard.system.settled(own, 'delivered');
    const page = await dashboard.openAt('/deliveries', { key: account.apiKey });
    await page.locator('[data-delivery]').first().waitFor();
    const rows = await page.locator('[data-delivery]').all();
    const shown = await Promise.all(rows.map((row) => row.getAttribute('data-delivery')));
    expect(shown).toEqual([own]);
    await page.goto(`/deliveries/${foreign}`);
    await page.getByRole('alert').getByText('Not found').waitFor();
    await page.goto(`/subscriptions/${other.subscription.id}`);
    await page.getByRole('alert').getByText('Not found').waitFor();
    await page.getByRole('link', { name: 'Account', exact: true }).click();
    await page.getByRole('heading', { name: 'Customer', level: 1 }).waitFor();
    expect(await page.getByRole('heading', { name: 'Operation' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Contracts' }).click();
    await page.getByRole('heading', { name: 'Standard Webhooks' }).waitFor();
    const contracts = page.getByRole('navigation', { name: 'Providers' }).getByRole('link');
    expect(await contracts.allTextContents()).toEqual(['Standard Webhooks']);
  });

  test('creates an account and shows its key once', async () => {
    const page = await dashboard.openAt('/accounts');
    await page.getByRole('button', { name: 'New account' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Provider').selectOption('postmark');
    await dialog.getByRole('button', { name: 'Create' }).click();
    // The API's own words, at the field that they are about.
    await dialog.getByText('expected string to have >=1 characters').waitFor();
    await dialog.getByLabel('Name').fill('Northwind');
    await dialog.getByRole('button', { name: 'Create' }).click();
    const key = await dialog.getByRole('group', { name: 'API key' }).textContent();
    await dialog.getByRole('button', { name: 'I have it' }).click();
    await page.getByRole('heading', { name: 'Northwind', level: 1 }).waitFor();
    expect(await page.content()).not.toContain(key);
    const { status } = await dashboard.system.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${key}` });
    expect(status).toBe(200);
  });

  test('adds and revokes keys, changes what an operator chooses and deletes the account', async () => {
    const { account } = await newReceiver(dashboard, 'Changing');
    const page = await dashboard.openAt(`/accounts/${account.id}`);
    await page.getByRole('button', { name: 'Add a key' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Their CI');
    await page.getByRole('button', { name: 'Create the key' }).click();
    await page.getByRole('dialog').getByText('only time that the key is shown').waitFor();
    await page.getByRole('button', { name: 'I have it' }).click();
    const revoke = page.getByRole('button', { name: /Revoke the key/ });
    await revoke.nth(1).waitFor();
    await revoke.first().click();
    await page.getByRole('button', { name: 'Revoke it' }).click();
    await revoke.nth(1).waitFor({ state: 'detached' });
    expect((await dashboard.ask('GET', `/v1/accounts/${account.id}`)).keys).toHaveLength(1);

    await page.getByLabel('Disable a subscription after').fill('12');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('already defines when a subscription is disabled').waitFor();
    await page.getByLabel('Disable a subscription after').fill('');
    await page.getByLabel('Checks payloads').uncheck();
    await page.getByLabel('Retention in days').fill('30');
    await page.getByLabel('Weight').fill('3');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
    const chosen = { disableAfterHours: null, validatePayloads: false, retentionDays: 30, dispatchWeight: 3 };
    expect(await dashboard.ask('GET', `/v1/accounts/${account.id}`)).toMatchObject(chosen);

    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByText('That is not its name').waitFor();
    await page.getByLabel('Type its name').fill('Changing');
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
    expect((await dashboard.system.ask('GET', `/v1/accounts/${account.id}`)).status).toBe(404);
  });
});
