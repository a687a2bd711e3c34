'use client';
/** `pigeonpost/react`: the customer portal as a component. */
import { useEffect, useRef } from 'react';
import { openPortal, type PortalOptions } from './open-portal.js';

export interface PigeonpostPortalProps extends Omit<PortalOptions, 'element'> {
  /** A class of the element around the frame. */
  readonly className?: string;
}

/** The portal of a link. Another `url` opens that one. */
export function PigeonpostPortal({ url, title, onExpired, className }: PigeonpostPortalProps) {
  const element = useRef<HTMLDivElement>(null);
  const expired = useRef(onExpired);
  useEffect(() => {
    expired.current = onExpired;
  });
  useEffect(() => {
    if (!element.current) return undefined;
    const portal = openPortal({
      ...{ url, element: element.current, onExpired: () => expired.current?.() },
      ...(title === undefined ? {} : { title }),
    });
    return () => portal.close();
  }, [url, title]);
  return <div ref={element} className={className} />;
}
