/** The chart's numbers: each part of the period with its success and latency, and the deliveries behind it. */
import { Link } from 'wouter';
import type { Overview } from '../../api/shapes.js';
import { count, moment, percent, took } from '../../parts/format.js';
import { Table } from '../../parts/table.js';
import { bucketAddress, type ListScope } from './deliveries-chart.js';

const NUMBERS = ['Delivered', 'Open', 'Cancelled', 'Failed', 'Attempts accepted', 'p50', 'p95', 'p99'];

export function SeriesTable({ overview, scope }: { overview: Overview; scope: ListScope }) {
  const parts = overview.series.filter(
    ({ delivered, failed, cancelled, open }) => delivered + failed + cancelled + open > 0,
  );
  if (parts.length === 0) return null;
  return (
    <details>
      <summary>As a table, with success and latency</summary>
      <Table caption="Deliveries, success and latency over time" head={['From', ...NUMBERS]} numbers={NUMBERS}>
        {parts.toReversed().map((part) => (
          <tr key={part.at}>
            <td>
              <Link href={bucketAddress(part.at, overview.bucketMs, scope)}>{moment(part.at)}</Link>
            </td>
            {[part.delivered, part.open, part.cancelled, part.failed].map((value, index) => (
              <td key={index} data-number>
                {count(value)}
              </td>
            ))}
            <td data-number>{part.success === null ? '–' : percent(part.success)}</td>
            {[part.p50Ms, part.p95Ms, part.p99Ms].map((ms, index) => (
              <td key={index} data-number>
                {ms === null ? '–' : took(ms)}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </details>
  );
}
