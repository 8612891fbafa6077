/** What went wrong on the way to another machine, in a few words. */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 500);
  if (error.name === 'TimeoutError' || error.name === 'HeadersTimeoutError') return 'no answer in time';
  // All of a name's addresses failed: Node says so without a message.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const text = error.message || (inner instanceof Error ? inner.message : '') || error.name;
  return text.slice(0, 500);
}
