/** Who asks for which secrets, as job-poller says. */
export interface RunAsking {
  readonly user_id: number;
  readonly team_id?: number | undefined;
  readonly org_id?: number | undefined;
  readonly names: readonly string[];
}

/** The claim that scheduler and approvals let through, as it was told. */
export interface StandingClaim {
  readonly userId: number;
  readonly teamId: number | null;
  readonly orgId: number | null;
  readonly names: readonly string[];
  readonly endedAt: Date | null;
}

/** Why a run does not get what it asks for; undefined when it may have it. */
export function faultOfAsking(claim: StandingClaim, asking: RunAsking): string | undefined {
  if (claim.endedAt !== null) return `the job ended on ${claim.endedAt.toISOString()}`;
  if (
    claim.userId !== asking.user_id ||
    claim.teamId !== (asking.team_id ?? null) ||
    claim.orgId !== (asking.org_id ?? null)
  )
    return 'the job is of other people';
  const other = asking.names.find((name) => !claim.names.includes(name));
  return other === undefined ? undefined : `the job does not name ${other}`;
}
