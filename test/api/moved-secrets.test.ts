/** Secrets that are kept by an edit are not sent to another origin than they were given for. */
import { startApiWithDatabase, type TestApi } from '../support/api';

let api: TestApi;
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

/** Edits a new subscription of an address at hooks.example.com. */
async function edited(provider: string, fields: Record<string, unknown>, edit: Record<string, unknown>) {
  const { id } = (await api.ask('POST', '/v1/accounts', { provider, name: 'Acme' })).body;
  const created = await api.ask('POST', `/v1/accounts/${id}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: [],
    ...fields,
  });
  expect(created).toMatchObject({ status: 201 });
  const answer = await api.ask('PATCH', `/v1/subscriptions/${created.body.id}`, edit);
  const { body } = await api.ask('GET', `/v1/subscriptions/${created.body.id}`);
  return { status: answer.status, errors: answer.body.errors, url: body.url, headers: body.headers };
}

const ELSEWHERE = 'https://elsewhere.example.com/in';
const headers = { 'X-Token': 'secret' };
const httpAuth = { username: 'kim', password: 'secret' };
const again = (path: string, none: string) => ({
  path,
  message: `must be given again, or as ${none}: the url leads to another origin, which would get its values`,
});

it.each([
  ['headers', 'standard', { headers }, {}, [again('headers', '{}')]],
  ['credentials', 'postmark', { httpAuth }, {}, [again('httpAuth', 'null')]],
  ['both', 'postmark', { headers, httpAuth }, {}, [again('headers', '{}'), again('httpAuth', 'null')]],
  [
    'credentials of the former address',
    'postmark',
    { url: 'https://kim:secret@hooks.example.com/' },
    { headers: {} },
    [again('httpAuth', 'null')],
  ],
  ['masked headers', 'standard', { headers }, { headers: { 'X-Token': '***' } }, [again('headers', '{}')]],
  [
    'masked credentials',
    'postmark',
    { httpAuth },
    { httpAuth: { username: 'kim', password: '***' } },
    [again('httpAuth', 'null')],
  ],
])('are refused with another host: %s', async (_what, provider, fields, edit, errors) => {
  const answer = await edited(provider, fields, { url: ELSEWHERE, ...edit });
  expect(answer).toMatchObject({ status: 422, errors, url: expect.stringContaining('hooks.example.com') });
});

it.each(['http://hooks.example.com/in', 'https://hooks.example.com:8443/in', 'https://hooks.example.com.evil.test/'])(
  'are refused with %s',
  async (url) => {
    expect(await edited('standard', { headers }, { url })).toMatchObject({ status: 422 });
  },
);

it.each([
  ['the same origin', 'standard', { headers }, { url: 'https://HOOKS.example.com:443/other' }],
  ['headers given again', 'standard', { headers }, { url: ELSEWHERE, headers }],
  ['no headers any more', 'standard', { headers }, { url: ELSEWHERE, headers: {} }],
  ['nothing to send', 'standard', {}, { url: ELSEWHERE }],
  ['credentials given again', 'postmark', { httpAuth }, { url: ELSEWHERE, httpAuth }],
  ['no credentials any more', 'postmark', { httpAuth }, { url: ELSEWHERE, httpAuth: null }],
  ['credentials in the address', 'postmark', { httpAuth }, { url: 'https://kim:other@elsewhere.example.com/in' }],
  [
    'credentials that go with their address',
    'postack',
    { url: 'https://kim:secret@hooks.example.com/' },
    { url: ELSEWHERE },
  ],
])('may be edited with %s', async (_what, provider, fields, edit) => {
  const { status, url } = await edited(provider, fields, edit);
  expect({ status, url }).toEqual({ status: 200, url: edit.url.replace('kim:other@', '') });
});

it('what is no address is refused as such', async () => {
  const { status, errors } = await edited('standard', { headers }, { url: 'elsewhere' });
  expect({ status, path: errors[0].path }).toEqual({ status: 422, path: 'url' });
});
