/** Puts a delivery that has changed into the pages that were read, as if they were read now. */
import type { InfiniteData } from '@tanstack/react-query';
import type { Delivery, DeliveryPage } from '../../api/shapes.js';
import { matches, type Filters } from './filters.js';

type Pages = InfiniteData<DeliveryPage, string | undefined>;

/** Ids sort by time and the newest come first. One that belongs behind what was read is done by the page that has it. */
export function merge(pages: Pages, delivery: Delivery, filters: Filters): Pages {
  const belongs = matches(delivery, filters);
  let placed = !belongs;
  const merged = pages.pages.map((page) => {
    const others = page.data.filter(({ id }) => id !== delivery.id);
    if (placed) return others.length === page.data.length ? page : { ...page, data: others };
    const index = others.findIndex(({ id }) => id < delivery.id);
    const isLastOfAll = index === -1 && page.nextCursor === null;
    const wasLast = index === -1 && page.data.at(-1)?.id === delivery.id;
    if (index === -1 && !isLastOfAll && !wasLast) return page;
    placed = true;
    const at = index === -1 ? others.length : index;
    return { ...page, data: [...others.slice(0, at), delivery, ...others.slice(at)] };
  });
  return { ...pages, pages: merged };
}
