import { RUN_KEY_INPUT } from '@lineclear/contracts';
import type { Submission } from './adapter.js';

/**
 * What a run is handed where its provider takes one JSON object and nothing else: the job's input, our key, and each secret as
 * the input that its variable names.
 */
export const inputOf = (
  input: Readonly<Record<string, unknown>>,
  { runKey, env }: Pick<Submission, 'runKey' | 'env'>,
): Record<string, unknown> => ({
  ...input,
  ...Object.fromEntries([...env].map(([variable, { value }]) => [variable, value.reveal()])),
  [RUN_KEY_INPUT]: runKey,
});

/** Our key, where there is one in an input. */
export function keyIn(input: Readonly<Record<string, unknown>> | null | undefined): string | undefined {
  const key = input?.[RUN_KEY_INPUT];
  return typeof key === 'string' ? key : undefined;
}
