/** The event types of the catalogue, from what the platform has defined or from what is documented. Pure. */
import type { Contract, EventType } from '../../api/shapes.js';

export interface CatalogueEntry {
  readonly name: string;
  readonly description: string;
  /** Empty for none. */
  readonly group: string;
  readonly examples: readonly unknown[];
  readonly schema: unknown;
}

/** What the platform has defined, without what it has archived; otherwise what is documented. */
export function catalogue(
  { openCatalogue, events }: Pick<Contract, 'openCatalogue' | 'events'>,
  defined: readonly EventType[],
): CatalogueEntry[] {
  if (openCatalogue && defined.length > 0)
    return defined
      .filter(({ archived }) => !archived)
      .map(({ name, description, group, examples, schema }) => ({
        ...{ name, description: description ?? '', group: group ?? '', examples, schema },
      }));
  return events.map(({ type, description, example, schema }) => ({
    ...{ name: type, description, group: '', examples: [example], schema },
  }));
}

/** The entries with a text in their name or description, by their groups, in the order of the titles. */
export function groupsOf(
  entries: readonly CatalogueEntry[],
  wanted: string,
): { readonly title: string; readonly entries: CatalogueEntry[] }[] {
  const text = wanted.trim().toLowerCase();
  const found = entries.filter(({ name, description }) => `${name} ${description}`.toLowerCase().includes(text));
  const titles = [...new Set(found.map(({ group }) => group))].sort();
  return titles.map((title) => ({ title, entries: found.filter(({ group }) => group === title) }));
}
