/** Which event types the forms of a subscription offer. */

/** Event types and, where subscriptions may name them, the groups that they are in, such as `invoice.*`. */
export function withGroups(types: readonly string[], hasGroups: boolean): string[] {
  if (!hasGroups) return [...types];
  const groups = types.flatMap((type) => {
    const parts = type.split('.');
    return parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join('.')}.*`);
  });
  return [...new Set([...groups, ...types])].sort();
}

/** The event types that a test of a subscription may send: its own, with the members of its groups; all without any. */
export function testTypes(entries: readonly string[], types: readonly string[]): string[] {
  if (entries.length === 0) return [...types];
  const named = entries.flatMap((entry) =>
    entry.endsWith('.*') ? types.filter((type) => type.startsWith(entry.slice(0, -1))) : [entry],
  );
  return [...new Set(named)];
}
