/** How a process ended, as it was seen. */
interface Seen {
  readonly state: string;
  readonly message?: string;
  readonly exitCode?: number;
}

/** How an end is told. A process that its worker stopped by itself was not cancelled by anybody. */
export function endReport(seen: Seen, stoppedFor: 'worker' | 'max_runtime' | null) {
  const state = ENDS.find((end) => end === seen.state) ?? 'lost';
  const exit_code = seen.exitCode ?? null;
  if (state !== 'cancelled' || stoppedFor === null)
    return { state, exit_code, message: seen.message ?? null };
  return stoppedFor === 'worker'
    ? { state: 'failed' as const, exit_code, message: 'its worker was stopped' }
    : { state: 'timed_out' as const, exit_code, message: null };
}

const ENDS = ['succeeded', 'failed', 'cancelled', 'lost'] as const;
