/** Deliveries over time, by what became of them. */
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import type { Overview } from '../../api/shapes.js';
import { count, moment } from '../../parts/format.js';
import { Empty } from '../../parts/page.js';
import styles from './deliveries-chart.module.css';

/** From the bottom up. */
const PARTS = ['delivered', 'open', 'cancelled', 'failed'] as const;
const DAY_MS = 86_400_000;

export function DeliveriesChart({ overview: { series, from, to, bucketMs } }: { overview: Overview }) {
  const total = series.reduce((sum, bucket) => sum + PARTS.reduce((part, name) => part + bucket[name], 0), 0);
  if (total === 0) return <Empty title="No deliveries in this period">Choose a longer one, or emit an event.</Empty>;
  const span = Date.parse(to) - Date.parse(from);
  return (
    <div
      className={styles.chart}
      role="img"
      aria-label={`${count(total)} deliveries from ${moment(from)} to ${moment(to)}, by state over time`}
    >
      <ResponsiveContainer width="100%" height={230}>
        <BarChart
          data={series}
          margin={{ top: 4, right: 4, bottom: 0, left: 0 }}
          barCategoryGap={1}
          accessibilityLayer={false}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="at"
            tickFormatter={(at: string) => axisTime(at, span)}
            tickLine={false}
            axisLine={{ stroke: 'var(--line-strong)' }}
            minTickGap={36}
            tick={{ fill: 'var(--soft-ink)', fontSize: 11 }}
          />
          <YAxis
            width={44}
            allowDecimals={false}
            tickLine={false}
            axisLine={false}
            tickFormatter={count}
            tick={{ fill: 'var(--soft-ink)', fontSize: 11 }}
          />
          <Tooltip
            cursor={{ fill: 'var(--sunken)' }}
            isAnimationActive={false}
            labelFormatter={(at) => `from ${moment(at as string)} for ${Math.round(bucketMs / 60_000)} min`}
            contentStyle={{ background: 'var(--surface)', border: '1px solid var(--line)', borderRadius: 6 }}
            itemStyle={{ color: 'var(--ink)', padding: 0 }}
          />
          <Legend
            verticalAlign="top"
            align="right"
            iconType="circle"
            iconSize={8}
            height={26}
            itemSorter={({ dataKey }) => PARTS.findIndex((name) => name === dataKey)}
            formatter={(name: string) => <span className={styles.legend}>{name}</span>}
          />
          {PARTS.map((name) => (
            <Bar key={name} dataKey={name} stackId="all" fill={`var(--chart-${name})`} isAnimationActive={false} />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

function axisTime(at: string, span: number): string {
  const options: Intl.DateTimeFormatOptions =
    span > 2 * DAY_MS ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' };
  return new Intl.DateTimeFormat('en-GB', options).format(new Date(at));
}
