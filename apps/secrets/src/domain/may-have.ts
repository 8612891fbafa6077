/** Who asks for which secrets, as job-poller says. */
export interface RunAsking {
  readonly user_id: number;
  readonly team_id?: number | undefined;
  readonly org_id?: number | undefined;
  readonly names: readonly string[];
}

/** A secret of a job that somebody has said yes to. One of the same name in another scope is another secret. */
export interface Approved {
  readonly name: string;
  readonly scope: string;
}

/** The claim that scheduler and approvals let through, as it was told. */
export interface StandingClaim {
  readonly userId: number;
  readonly teamId: number | null;
  readonly orgId: number | null;
  readonly names: readonly string[];
  readonly approved: readonly Approved[];
  readonly endedAt: Date | null;
}

/** Why a run does not get what it asks for; undefined when it may have it. */
export function faultOfAsking(claim: StandingClaim, asking: RunAsking): string | undefined {
  if (claim.endedAt !== null) return `the attempt ended on ${claim.endedAt.toISOString()}`;
  if (
    claim.userId !== asking.user_id ||
    claim.teamId !== (asking.team_id ?? null) ||
    claim.orgId !== (asking.org_id ?? null)
  )
    return 'the job is of other people';
  const other = asking.names.find((name) => !claim.names.includes(name));
  return other === undefined ? undefined : `the job does not name ${other}`;
}

/** Why a run does not get what was found for it, templates' parts among it: something takes an approval that the job does not have. */
export function faultOfFound(
  { approved }: Pick<StandingClaim, 'approved'>,
  found: readonly (Approved & { readonly needsApproval?: boolean | undefined })[],
): string | undefined {
  const lacking = found.find(
    ({ name, scope, needsApproval }) =>
      needsApproval === true && !approved.some((one) => one.name === name && one.scope === scope),
  );
  return (
    lacking &&
    `${lacking.name} needs an approval that the job does not have: submit the job again, with ${lacking.name} among its secrets`
  );
}
