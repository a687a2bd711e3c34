/** Loads the next page of a list whose newest rows come first; nothing when all are shown. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  readonly list: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly fetchNextPage: () => Promise<unknown>;
  };
  readonly children?: ReactNode;
}

export function Older({ list, children = 'Show older ones' }: Props) {
  if (!list.hasNextPage) return null;
  return (
    <div>
      <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
        {children}
      </Button>
    </div>
  );
}

/** The cursor of the page after this one, for `useInfiniteQuery`. */
export const nextPage = ({ nextCursor }: { readonly nextCursor: string | null }): string | undefined =>
  nextCursor ?? undefined;
