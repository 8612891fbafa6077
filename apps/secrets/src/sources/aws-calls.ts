import { Unavailable, withDeadline, type Clock } from '@lineclear/kit';
import { pauseSeconds, retryAfterSeconds } from '../domain/back-off.js';

/** What the SDK throws, as far as it is believed. */
interface AwsError {
  readonly name: string;
  /** Of the system: `ECONNREFUSED`. */
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const THROTTLED = [
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'LimitExceededException',
];

/** Calls to one service of AWS: each in its time, and none while it asked to be left alone. */
export class AwsCalls {
  #throttles = 0;
  #quietUntilMs = -Infinity;

  constructor(
    /** As it is told to people: "AWS Secrets Manager". */
    private readonly service: string,
    private readonly clock: Clock,
    private readonly timeoutSeconds: number,
  ) {}

  /**
   * The answer, or the name of the error if it is one of `expected`. @throws Unavailable for every other failure, naming
   * `what` it was about; the SDK's own words are left out, as they may quote an answer
   */
  async call<Output, Expected extends string>(
    what: string,
    send: (signal: AbortSignal) => Promise<Output>,
    expected: readonly Expected[],
  ): Promise<{ output: Output } | { error: Expected }> {
    const nowMs = this.clock.now().getTime();
    if (nowMs < this.#quietUntilMs)
      throw this.#failed(
        what,
        `asked to be left alone for ${Math.ceil((this.#quietUntilMs - nowMs) / 1_000)} s`,
      );
    const timeoutMs = this.timeoutSeconds * 1_000;
    try {
      // The second deadline is for what the SDK does before the request: it looks for credentials.
      const output = await withDeadline(send(AbortSignal.timeout(timeoutMs)), timeoutMs + 250);
      this.#throttles = 0;
      return { output };
    } catch (error) {
      const { name, code, $metadata, $response } = error as AwsError;
      const known = expected.find((one) => one === name);
      if (known !== undefined) {
        this.#throttles = 0;
        return { error: known };
      }
      const status = $metadata?.httpStatusCode;
      if (status === 429 || THROTTLED.includes(name)) this.#beQuiet($response?.headers?.['retry-after']);
      throw this.#failed(what, reasonOf(name, code, status));
    }
  }

  #beQuiet(retryAfter: string | undefined): void {
    const now = this.clock.now();
    this.#throttles += 1;
    const seconds = pauseSeconds(this.#throttles, retryAfterSeconds(retryAfter, now));
    this.#quietUntilMs = Math.max(this.#quietUntilMs, now.getTime() + seconds * 1_000);
  }

  #failed(what: string, why: string): Unavailable {
    return new Unavailable(`${this.service}: ${what}: ${why}`);
  }
}

const NAMES_OF_TIME: readonly string[] = ['AbortError', 'TimeoutError'];

function reasonOf(name: string, code: unknown, status: number | undefined): string {
  // First of all, as the SDK takes a connection that was cut for one that took too long.
  if (typeof code === 'string' && /^E[A-Z]{2,20}$/.test(code)) return `not reached (${code})`;
  if (NAMES_OF_TIME.includes(name)) return 'no answer in time';
  if (status === 200) return 'an answer that is not in its protocol';
  const words = /^[A-Za-z]{1,60}$/.test(name) ? name : 'an error';
  return status === undefined ? `not reached (${words})` : `refused with ${words} (HTTP ${status})`;
}
