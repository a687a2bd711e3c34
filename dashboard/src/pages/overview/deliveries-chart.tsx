/** Deliveries over time, by what became of them. */
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { useLocation } from 'wouter';
import type { DeliveryState, Overview } from '../../api/shapes.js';
import { count, duration, inZone, moment } from '../../parts/format.js';
import { Empty } from '../../parts/page.js';
import { listAddress, type Filters } from '../deliveries/filters.js';
import styles from './deliveries-chart.module.css';

/** From the bottom up. */
const PARTS = ['delivered', 'open', 'cancelled', 'failed'] as const;
const DAY_MS = 86_400_000;

/** What the overview is about, for the lists that it leads to. */
export type ListScope = Pick<Filters, 'accountId' | 'provider' | 'subscriptionId'>;

/** The deliveries that were created in a part of the period, in one state or in all. */
export function bucketAddress(at: string, bucketMs: number, scope: ListScope, state?: DeliveryState): string {
  return listAddress({
    ...scope,
    ...(state ? { state } : {}),
    from: at,
    to: new Date(Date.parse(at) + bucketMs).toISOString(),
  });
}

interface Props {
  readonly overview: Overview;
  readonly scope: ListScope;
}

export function DeliveriesChart({ overview: { series, from, to, bucketMs }, scope }: Props) {
  const [, navigate] = useLocation();
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
            labelFormatter={(at) => `from ${moment(at as string)} for ${duration(bucketMs)}`}
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
            <Bar
              key={name}
              dataKey={name}
              stackId="all"
              fill={`var(--chart-${name})`}
              isAnimationActive={false}
              cursor="pointer"
              onClick={(_bar, index) => {
                const bucket = series[index];
                // Open ones are in three states.
                if (bucket) navigate(bucketAddress(bucket.at, bucketMs, scope, name === 'open' ? undefined : name));
              }}
            />
          ))}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

function axisTime(at: string, span: number): string {
  const options: Intl.DateTimeFormatOptions =
    span > 2 * DAY_MS ? { day: 'numeric', month: 'short' } : { hour: '2-digit', minute: '2-digit' };
  return inZone(at, options);
}
