/** The period of the overview: as the address has it, and as the API takes it. */
import { currentZone } from '../../parts/zone.js';

/** Periods by name, the usual one first. */
export const periods = {
  today: 'Today',
  '1h': 'Last hour',
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  custom: 'From … to …',
} as const;
export type PeriodName = keyof typeof periods;

export interface Period {
  readonly name: PeriodName;
  /** Of a custom period: ISO 8601; absent until it is chosen. */
  readonly from?: string;
  readonly to?: string;
}

/** The period of an address; today without one. */
export function readPeriod(search: URLSearchParams): Period {
  const given = search.get('window') ?? 'today';
  const name = given in periods ? (given as PeriodName) : 'today';
  if (name !== 'custom') return { name };
  const [from, to] = [time(search.get('from')), time(search.get('to'))];
  return { name, ...(from ? { from } : {}), ...(to ? { to } : {}) };
}

/** The query of the API. A custom period without a start is the last 24 hours. */
export function periodQuery(
  { name, from, to }: Period,
  now: Date,
): {
  readonly window?: '1h' | '24h' | '7d' | '30d';
  readonly from?: string;
  readonly to?: string;
} {
  if (name === 'today') return { from: startOfDay(now).toISOString() };
  if (name !== 'custom') return { window: name };
  return from === undefined ? { window: '24h' } : { from, ...(to === undefined ? {} : { to }) };
}

/** Midnight before a time in the zone that was chosen. */
function startOfDay(now: Date): Date {
  const day = new Date(now);
  if (currentZone() === 'UTC') day.setUTCHours(0, 0, 0, 0);
  else day.setHours(0, 0, 0, 0);
  return day;
}

function time(text: string | null): string | undefined {
  return text === null || Number.isNaN(Date.parse(text)) ? undefined : new Date(text).toISOString();
}
