/** The rows of a table. Of a long list only those near the screen are in the page, so that thousands of rows stay fast. */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type ReactElement, type Ref } from 'react';

/** Rows up to which all are in the page, where the browser's own search finds them. */
const MAX_ALL = 100;
/** Height of a row until it is measured, in pixels. */
const ESTIMATED_PX = 46;
/** Rows above and below the screen. */
const AROUND = 20;

/** What a row's `tr` gets, by which its place is known. */
export interface Place {
  readonly ref?: Ref<HTMLTableRowElement>;
  readonly 'data-index'?: number;
}

interface Props<Row extends { readonly id: string }> {
  readonly rows: readonly Row[];
  readonly columns: number;
  /** The `tr` of a row, with its id as key and its place. */
  readonly render: (row: Row, place: Place) => ReactElement;
}

export function Rows<Row extends { readonly id: string }>(props: Props<Row>) {
  const { rows, render } = props;
  return rows.length <= MAX_ALL ? rows.map((row) => render(row, {})) : <NearRows {...props} />;
}

function NearRows<Row extends { readonly id: string }>({ rows, columns, render }: Props<Row>) {
  const first = useRef<HTMLTableRowElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (first.current) setTop(first.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const list = useWindowVirtualizer({
    count: rows.length,
    getItemKey: (index) => rows[index]!.id,
    estimateSize: () => ESTIMATED_PX,
    overscan: AROUND,
    scrollMargin: top,
    // It scrolls to make up for rows that are not as high as estimated, which ends the browser's smooth scrolling of Home
    // and End midway.
    onChange: (virtualizer) => (virtualizer.shouldAdjustScrollPositionOnItemSizeChange = () => false),
  });
  const near = list.getVirtualItems();
  const before = near.length > 0 ? near[0]!.start - top : 0;
  const after = near.length > 0 ? list.getTotalSize() - (near.at(-1)!.end - top) : 0;
  return (
    <>
      <Gap ref={first} height={before} columns={columns} />
      {near.map(({ index }) => render(rows[index]!, { ref: list.measureElement, 'data-index': index }))}
      <Gap height={after} columns={columns} />
    </>
  );
}

/** Takes the room of the rows that are not in the page. */
function Gap({ ref, height, columns }: { ref?: Ref<HTMLTableRowElement>; height: number; columns: number }) {
  return (
    <tr ref={ref} aria-hidden style={{ padding: 0, border: 0 }}>
      <td colSpan={columns} style={{ height, padding: 0, border: 0 }} />
    </tr>
  );
}
