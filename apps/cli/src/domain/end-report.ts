/** How a process ended, as it was seen. */
interface Seen {
  readonly state: string;
  readonly message?: string;
  readonly exitCode?: number;
}

const MAX_MESSAGE = 2_000;
const MAX_EXIT_CODE = 255;

/** How an end is told, also where the job itself wrote nonsense where its end is noted. A process that its worker stopped by itself was not cancelled by anybody. */
export function endReport(seen: Seen, stoppedFor: 'worker' | 'max_runtime' | null) {
  const state = ENDS.find((end) => end === seen.state) ?? 'lost';
  const exit_code = isExitCode(seen.exitCode) ? seen.exitCode : null;
  if (state !== 'cancelled' || stoppedFor === null)
    return { state, exit_code, message: seen.message?.slice(0, MAX_MESSAGE) ?? null };
  return stoppedFor === 'worker'
    ? { state: 'failed' as const, exit_code, message: 'its worker was stopped' }
    : { state: 'timed_out' as const, exit_code, message: null };
}

const ENDS = ['succeeded', 'failed', 'cancelled', 'lost'] as const;

const isExitCode = (code: number | undefined): code is number =>
  code !== undefined && Number.isInteger(code) && code >= 0 && code <= MAX_EXIT_CODE;
