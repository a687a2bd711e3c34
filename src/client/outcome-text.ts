/** What became of an attempt in words, the same on every page and on the command line: who refused it, and why. */

/** Why there was no response, by the word that the API has for it. */
const REASONS: Readonly<Record<string, string>> = {
  timeout: 'no response in time',
  dns: 'the host was not found',
  refused: 'the host refused the connection',
  unreachable: 'the host is unreachable',
  reset: 'the host closed the connection',
  tls: 'the TLS handshake failed',
  blocked: 'not sent by Pigeonpost: the address is not allowed',
  proxy: 'the proxy refused or failed',
  invalid_response: 'the response was not valid HTTP',
  too_many_redirects: 'too many redirects',
  transformation: 'not sent by Pigeonpost: the transformation failed',
  invalid_request: 'not sent by Pigeonpost: no request can be built',
};

interface Outcome {
  /** Absent for a delivery, of which only the last status and reason are known. */
  readonly outcome?: string;
  readonly status: number | null;
  readonly reason: string | null;
}

/** Such as `200 accepted by the receiver`, `503 refused by the receiver` or `no response in time`. */
export function outcomeText({ outcome, status, reason }: Outcome): string {
  if (outcome === 'interrupted') return 'interrupted';
  if (status !== null) {
    const isAccepted = outcome === undefined ? reason === null : outcome === 'accepted';
    return `${status} ${isAccepted ? 'accepted' : 'refused'} by the receiver`;
  }
  if (reason !== null) return REASONS[reason] ?? reason;
  return outcome ?? '';
}
