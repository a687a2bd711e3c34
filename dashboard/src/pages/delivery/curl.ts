/** A request as a command that sends it. */
import type { SentRequest } from '../../api/shapes.js';

/** Masked values stay masked: anyone who runs it puts their own in. */
export function asCurl({ method, url, headers, body }: Omit<SentRequest, 'attempt'>): string {
  const parts = [
    `curl -X ${method} ${quote(url)}`,
    ...headers.map(({ name, value }) => `-H ${quote(`${name}: ${value}`)}`),
    `--data-binary ${quote(body)}`,
  ];
  return parts.join(' \\\n  ');
}

/** A word for a POSIX shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
