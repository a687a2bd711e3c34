/** Settings of the customer portal. */
import { ConfigError, loadConfig } from '../../../src/config/config';

const portalWith = (env: Record<string, string>) => loadConfig(env).api.portal;

test('are read with what they stand for', () => {
  const { api } = loadConfig({
    PIGEONPOST_PUBLIC_URL: 'https://webhooks.example.com/',
    PIGEONPOST_PORTAL_NAME: 'Acme Webhooks',
    PIGEONPOST_PORTAL_LOGO_URL: 'https://cdn.example.com/logo.svg',
    PIGEONPOST_PORTAL_COLOR: '#0A6',
    PIGEONPOST_PORTAL_COLOR_DARK: '#44aaff',
    PIGEONPOST_PORTAL_SUPPORT_URL: 'mailto:help@example.com',
    PIGEONPOST_PORTAL_WORDS: '{"endpoint": "webhook", "endpoints": "webhooks"}',
    PIGEONPOST_PORTAL_FRAME_ANCESTORS: 'https://App.example.com, https://*.example.org:8443',
  });
  expect(api.publicUrl).toBe('https://webhooks.example.com');
  expect(api.portal).toEqual({
    name: 'Acme Webhooks',
    logoUrl: 'https://cdn.example.com/logo.svg',
    colors: { light: '#00aa66', dark: '#44aaff' },
    words: { endpoint: 'webhook', endpoints: 'webhooks' },
    supportUrl: 'mailto:help@example.com',
    frameAncestors: ['https://app.example.com', 'https://*.example.org:8443'],
  });
  expect(portalWith({ PIGEONPOST_PORTAL_FRAME_ANCESTORS: 'none' }).frameAncestors).toEqual([]);
});

test.each([
  ['PIGEONPOST_PUBLIC_URL', 'https://webhooks.example.com/?a=b'],
  ['PIGEONPOST_PUBLIC_URL', 'webhooks.example.com'],
  ['PIGEONPOST_PORTAL_NAME', 'x'.repeat(61)],
  ['PIGEONPOST_PORTAL_LOGO_URL', 'http://example.com/logo.svg'],
  ['PIGEONPOST_PORTAL_LOGO_URL', 'data:image/png;base64,AAAA'],
  ['PIGEONPOST_PORTAL_COLOR', 'red'],
  ['PIGEONPOST_PORTAL_COLOR_DARK', '#12345'],
  ['PIGEONPOST_PORTAL_SUPPORT_URL', 'javascript:alert(1)'],
  ['PIGEONPOST_PORTAL_WORDS', '{"webhook": "endpoint"}'],
  ['PIGEONPOST_PORTAL_WORDS', '{"event": ""}'],
  ['PIGEONPOST_PORTAL_FRAME_ANCESTORS', 'https://app.example.com/portal'],
  ['PIGEONPOST_PORTAL_FRAME_ANCESTORS', "https://app.example.com; script-src 'unsafe-inline'"],
  ['PIGEONPOST_PORTAL_FRAME_ANCESTORS', '*'],
])('%s=%s is refused', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(ConfigError);
});
