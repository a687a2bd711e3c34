/** The filters of a list in the address of its page, so that a link or the browser's back button finds them again. */
import { useSearchParams } from 'wouter';

export interface Filters {
  /** A filter's value; undefined where it is not set. */
  readonly given: (name: string) => string | undefined;
  /** Sets a filter, or removes it. */
  readonly set: (name: string, value: string | undefined) => void;
}

export function useFilters(): Filters {
  const [search, setSearch] = useSearchParams();
  return {
    given: (name) => search.get(name) || undefined,
    set: (name, value) =>
      setSearch(
        (former) => {
          const next = new URLSearchParams(former);
          if (value === undefined) next.delete(name);
          else next.set(name, value);
          return next;
        },
        { replace: true },
      ),
  };
}
