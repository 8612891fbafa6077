/** What a provider says of a run's end. */
interface ToldEnd {
  readonly exitCode?: number;
  readonly endedAt?: Date;
}

// As it is stored, and as the systems have it that tell more than a byte.
const MAX_EXIT_CODE = 2 ** 31 - 1;

/**
 * Of what a provider says of an end what can be: its clock may be another, and costs are counted by it; a number may be its word
 * for none.
 */
export function believedEnd({ exitCode, endedAt }: ToldEnd, startedAt: Date | null, now: Date): ToldEnd {
  const isCode = Number.isInteger(exitCode) && Math.abs(exitCode ?? 0) <= MAX_EXIT_CODE;
  const isTime = endedAt !== undefined && endedAt <= now && (startedAt === null || endedAt >= startedAt);
  return {
    ...(isCode && exitCode !== undefined ? { exitCode } : {}),
    ...(isTime ? { endedAt } : {}),
  };
}
