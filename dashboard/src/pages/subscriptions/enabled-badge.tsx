import { Badge, Group } from '@mantine/core';
import { fromNow } from '../../parts/format.js';
import { useNow } from '../../parts/time.js';

interface Props {
  readonly subscription: {
    readonly enabled: boolean;
    readonly disabledReason: string | null;
    readonly disabledAt: string | null;
    readonly pausedAt?: string | null;
    readonly breaker?: { readonly state: string; readonly since: string } | null;
  };
  /** Since when every attempt has failed; absent or null while none has. */
  readonly failingSince: string | null | undefined;
}

/** Of a subscription: whether it takes events, whether its deliveries wait, and whether its receiver accepts them. */
export function EnabledBadge({
  subscription: { enabled, disabledReason, disabledAt, pausedAt, breaker },
  failingSince,
}: Props) {
  const now = useNow(60_000);
  const since = (at: string | null) => (at === null ? '' : ` ${fromNow(Date.parse(at), now)}`);
  return (
    <Group gap={4} component="span">
      {enabled ? (
        <Badge variant="light" color={failingSince ? 'gray' : 'green'} tt="none">
          enabled
        </Badge>
      ) : (
        <Badge variant="light" color="red" tt="none" title={disabledReason ?? undefined}>
          disabled{since(disabledAt)}
        </Badge>
      )}
      {pausedAt && (
        <Badge variant="light" color="yellow" tt="none" title={pausedAt}>
          paused{since(pausedAt)}
        </Badge>
      )}
      {breaker && (
        <Badge variant="light" color="yellow" tt="none" title={breaker.since}>
          circuit breaker {breaker.state}
        </Badge>
      )}
      {failingSince && (
        <Badge variant="light" color="red" tt="none" title={failingSince}>
          first failure{since(failingSince)}
        </Badge>
      )}
    </Group>
  );
}
