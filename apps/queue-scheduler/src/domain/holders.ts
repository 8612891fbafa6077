/** Whose a job is: what ceilings and quotas count it under. */
export interface Whose {
  readonly userId: number;
  readonly teamId: number | null;
  readonly orgId: number | null;
}
export const HOLDER_SCOPES = ['user', 'team', 'org'] as const;
export type HolderScope = (typeof HOLDER_SCOPES)[number];
/** A user, a team or an organisation, as something that holds slots and spends money. */
export type Holder = `${HolderScope}:${number}`;

export function holdersOf({ userId, teamId, orgId }: Whose): Holder[] {
  const holders: Holder[] = [`user:${userId}`];
  if (teamId !== null) holders.push(`team:${teamId}`);
  if (orgId !== null) holders.push(`org:${orgId}`);
  return holders;
}

export const scopeOf = (holder: Holder): HolderScope => holder.slice(0, holder.indexOf(':')) as HolderScope;
export const idOf = (holder: Holder): number => Number(holder.slice(holder.indexOf(':') + 1));

/** How many of these jobs each holder has. */
export function countByHolder(jobs: readonly Whose[]): Map<Holder, number> {
  const counts = new Map<Holder, number>();
  for (const job of jobs)
    for (const holder of holdersOf(job)) counts.set(holder, (counts.get(holder) ?? 0) + 1);
  return counts;
}
