import { waitAsAsked } from './retry.js';

/** How one attempt to deliver went. */
export interface AttemptResult {
  /**
   * `refused`: worth trying again; `hopeless`: this message never gets there; `over`: there is nothing left to tell;
   * `gone`: nothing through this channel ever will; `postponed`: it was not tried, because something of ours is away, or it was cut short by our own stopping.
   */
  readonly outcome: 'delivered' | 'refused' | 'hopeless' | 'over' | 'gone' | 'postponed';
  /** Of HTTP or SMTP. */
  readonly statusCode?: number | undefined;
  readonly error?: string | undefined;
  /** The beginning of what the other side said. */
  readonly response?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export type Verdict =
  | { readonly state: 'sent' }
  | { readonly state: 'retrying'; readonly waitSeconds: number }
  | { readonly state: 'failed' }
  | { readonly state: 'postponed'; readonly waitSeconds: number };

const POSTPONED_SECONDS = 3;

/** What becomes of a delivery after its attempt number `attempt`. */
export function judge(
  result: AttemptResult,
  attempt: number,
  scheduleSeconds: readonly number[],
  random: number,
): Verdict {
  switch (result.outcome) {
    case 'delivered':
      return { state: 'sent' };
    case 'gone':
    case 'hopeless':
    case 'over':
      return { state: 'failed' };
    case 'postponed':
      return { state: 'postponed', waitSeconds: POSTPONED_SECONDS };
    case 'refused': {
      const waitSeconds = waitAsAsked(attempt + 1, scheduleSeconds, random, result.retryAfterSeconds);
      return waitSeconds === undefined ? { state: 'failed' } : { state: 'retrying', waitSeconds };
    }
  }
}
