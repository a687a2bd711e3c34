/** The defined event types as a page that anyone may read, where the operator has switched it on. */
import { createHash } from 'node:crypto';
import { Router, type RequestHandler, type Response } from 'express';
import { unknownRoute } from '../../http/errors.js';
import { pageHeaders } from '../../http/page-headers.js';
import { listEventTypes, type EventType } from '../../store/event-types/event-types.js';
import type { ApiContext } from '../context.js';

/** More than the maximum number of event types. */
const ALL = 10_000;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; padding: 0.5rem 0; }
h3, pre, code { font-family: ui-monospace, monospace; }
h3 { font-size: 1rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
p { white-space: pre-line; }
pre { overflow: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 0.4rem; font-size: 0.85rem; }
summary { cursor: pointer; }
`;

const HEADERS = pageHeaders([`style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`]);

/** The page as it is sent, made once for each version of the catalogue. */
interface Rendered {
  readonly html: string;
  readonly json: string;
}

type CatalogueParts = Pick<ApiContext, 'store' | 'eventTypes' | 'publicCatalogue'>;

/** Serves `/catalogue` and `/catalogue.json`, or 404 where they are not switched on. Needs no key. */
export function publicCatalogueRoutes({ store, eventTypes, publicCatalogue }: CatalogueParts): Router {
  const router = Router();
  const paths = ['/catalogue', '/catalogue.json'];
  // The dashboard would respond to every path that a browser requests.
  if (!publicCatalogue) return router.get(paths, unknownRoute);
  let current: { readonly version: string | undefined; readonly rendered: Promise<Rendered> } | undefined;

  const render = async (): Promise<Rendered> => {
    const shown = await listEventTypes(store, { limit: ALL, featureFlags: [] });
    return { html: page(shown), json: JSON.stringify({ eventTypes: shown.map(publicFields) }) };
  };
  const rendered = async (): Promise<Rendered> => {
    await eventTypes.ready();
    const { version } = eventTypes;
    if (current?.version !== version) current = { version, rendered: render() };
    const started = current!;
    try {
      return await started.rendered;
    } catch (error) {
      if (current === started) current = undefined;
      throw error;
    }
  };
  const respond =
    (send: (response: Response, rendered: Rendered) => void): RequestHandler =>
    async (_request, response) => {
      const shown = await rendered();
      response.set(HEADERS);
      send(response, shown);
    };
  router.get(
    '/catalogue',
    respond((response, { html }) => void response.type('html').send(html)),
  );
  router.get(
    '/catalogue.json',
    respond((response, { json }) => void response.type('json').send(json)),
  );
  return router;
}

function publicFields({ name, description, group, schema, examples, version }: EventType) {
  return { name, description, group, schema, examples, version };
}

/** The whole page; every text of an event type is escaped. */
export function page(eventTypes: readonly EventType[]): string {
  const groups = [...new Set(eventTypes.map(({ group }) => group ?? ''))].sort();
  const sections = groups.map((group) => {
    const title = group === '' ? '' : `<h2>${escape(group)}</h2>`;
    const members = eventTypes.filter((eventType) => (eventType.group ?? '') === group);
    return title + members.map(section).join('');
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Event types</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Event types</h1>
${sections.length === 0 ? '<p>No event types are defined.</p>' : sections.join('\n')}
</main>
</body>
</html>
`;
}

function section({ name, description, schema, examples: [example], version }: EventType): string {
  const parts = [
    ...(description === '' ? [] : [`<p>${escape(description)}</p>`]),
    ...(example === undefined ? [] : [details('Example', example)]),
    ...(schema === null ? [] : [details(`Schema, version ${version}`, schema)]),
  ];
  return `<section id="${escape(name)}"><h3>${escape(name)}</h3>${parts.join('')}</section>`;
}

function details(title: string, value: unknown): string {
  const json = escape(JSON.stringify(value, null, 2));
  return `<details><summary>${escape(title)}</summary><pre tabindex="0">${json}</pre></details>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
