/** Basic authentication, made of fields or of an address. */
import * as fc from 'fast-check';
import { basicAuthorization, urlCredentials } from '../../../src/contract/basic-auth.js';

describe('the Authorization header', () => {
  test.each([
    ['Aladdin', 'open sesame', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['test', '123£', 'Basic dGVzdDoxMjPCow=='],
    ['kim', '', 'Basic a2ltOg=='],
    ['', 'a:b', 'Basic OmE6Yg=='],
  ])('of %j and %j', (username, password, value) => {
    expect(basicAuthorization({ username, password })).toBe(value);
  });
});

describe('credentials in an address', () => {
  test.each([
    ['https://example.com/', undefined],
    ['https://@example.com/', undefined],
    ['https://:@example.com/', undefined],
    ['https://kim@example.com/', { username: 'kim', password: '' }],
    ['https://:secret@example.com/', { username: '', password: 'secret' }],
    ['https://k%40m:p%C3%A4ss%2Fw%3Ard@example.com/', { username: 'k@m', password: 'päss/w:rd' }],
    ['https://kim:pä ss@example.com/', { username: 'kim', password: 'pä ss' }],
    ['https://kim:100%25%zz%@example.com/', { username: 'kim', password: '100%%zz%' }],
    ['https://kim:%2525+@example.com/', { username: 'kim', password: '%25+' }],
    ['https://kim:%ff@example.com/', { username: 'kim', password: '\ufffd' }],
    ['https://kim:a@b@example.com/', { username: 'kim', password: 'a@b' }],
  ])('%s', (url, credentials) => {
    expect(urlCredentials(new URL(url))).toEqual(credentials);
  });

  test('come back whatever they are', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(text, text, (username, password) => {
        const url = new URL(`https://${encodeURIComponent(username)}:${encodeURIComponent(password)}@example.com/`);
        expect(urlCredentials(url)).toEqual({ username, password });
      }),
    );
  });
});
