import { TooMany } from '@lineclear/kit';
import type { Refusal } from './submission.js';

/** The cost limit of a provider, and no quota, is what lets the job in no more. */
class CostLimitExceeded extends TooMany {
  override readonly code = 'cost_limit_exceeded';
}

/** What a caller is answered whose job was refused. */
export function overLimit({ quotas, costLimit, until }: Refusal, now: Date): TooMany {
  const errors = [
    ...quotas.map((message) => ({ path: 'quota', message })),
    ...(costLimit === undefined ? [] : [{ path: 'cost_limit', message: costLimit }]),
  ];
  const Answer = quotas.length === 0 ? CostLimitExceeded : TooMany;
  const seconds = (until.getTime() - now.getTime()) / 1_000;
  return new Answer(errors.map(({ message }) => message).join('; '), seconds, errors);
}
