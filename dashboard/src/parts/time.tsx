/** Times as people say them, kept up to date. */
import { useEffect, useState } from 'react';
import { fromNow, moment } from './format.js';

/** The time, renewed every `everyMs` milliseconds. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** `5 min ago`, with the time in full for a pointer and for programs. */
export function Ago({ at }: { at: string }) {
  const now = useNow(5_000);
  return (
    <time dateTime={at} title={moment(at)} className="number">
      {fromNow(Date.parse(at), now)}
    </time>
  );
}

/** A time in full. */
export function Moment({ at }: { at: string }) {
  return (
    <time dateTime={at} className="number">
      {moment(at)}
    </time>
  );
}
