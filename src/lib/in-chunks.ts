/**
 * Does something with all items, at most `size` of them at once, one chunk after the other; returns the results in the
 * sequence of the items. `afterChunk` is awaited with the items of each chunk.
 */
export async function inChunks<Item, Result>(
  items: readonly Item[],
  size: number,
  each: (item: Item) => Promise<Result>,
  afterChunk?: (chunk: readonly Item[]) => void | Promise<void>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += size) {
    const chunk = items.slice(from, from + size);
    results.push(...(await Promise.all(chunk.map(each))));
    await afterChunk?.(chunk);
  }
  return results;
}
