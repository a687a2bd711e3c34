import { Badge } from '@mantine/core';

/** Whether a subscription takes events, and why not. */
export function EnabledBadge({
  subscription: { enabled, disabledReason },
}: {
  subscription: { readonly enabled: boolean; readonly disabledReason: string | null };
}) {
  return enabled ? (
    <Badge variant="light" color="green" tt="none">
      enabled
    </Badge>
  ) : (
    <Badge variant="light" color="red" tt="none" title={disabledReason ?? undefined}>
      disabled
    </Badge>
  );
}
