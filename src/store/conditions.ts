/** The conditions of a query, of which those without a value are left out. */
export interface Conditions {
  /** Adds a condition; the value is the parameter that its `?` stands for. */
  readonly where: (condition: string, value: unknown) => void;
  /** The parameters, for more of them after the conditions. */
  readonly values: unknown[];
  /** All conditions together; true without any. */
  readonly sql: () => string;
}

export function conditions(): Conditions {
  const parts: string[] = [];
  const values: unknown[] = [];
  return {
    where(condition, value) {
      if (value !== undefined) parts.push(condition.replace('?', `$${values.push(value)}`));
    },
    values,
    sql: () => parts.join(' AND ') || 'true',
  };
}
