/** Pigeonpost's mark: a folded letter on its way. */
export function Mark({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#17606b" />
      <path d="M6 9.5 26 6l-7.5 20-4.2-8.3L6 9.5Z" fill="#fff" />
      <path d="M26 6 14.3 17.7l.9 1.8L26 6Z" fill="#9fd3da" />
    </svg>
  );
}
