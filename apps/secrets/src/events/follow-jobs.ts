import { Controller } from '@nestjs/common';
import {
  jobAttemptFailed,
  jobCancelled,
  jobClaimed,
  jobCompleted,
  jobFailed,
  type EventOf,
} from '@lineclear/contracts';
import { Bus, OnEvents } from '@lineclear/bus';
import { Clock, type Tx } from '@lineclear/kit';
import { addClaims, endClaims, type Claim } from '../db/claims.repo.js';
import { endGrants } from '../db/grants.repo.js';
import { endLeasesBefore, endLeasesOfJobs } from '../db/vault-leases.repo.js';
import { KeepLeases } from '../jobs/keep-leases.js';
import { KeyedProviders } from '../providers/keyed-providers.js';

type Ended = EventOf<typeof jobCompleted> | EventOf<typeof jobFailed> | EventOf<typeof jobCancelled>;

/** Secrets are for claimed jobs: from the claim of a job that names some until its end, and not a moment longer. */
@Controller()
export class FollowJobs {
  constructor(
    bus: Bus,
    providers: KeyedProviders,
    private readonly leases: KeepLeases,
    private readonly clock: Clock,
  ) {
    // Most jobs have nothing from here.
    bus.handleOnlyIf(jobClaimed, { event: ({ data }) => data.secrets.length > 0 });
    const hadSomething = ({ data }: Ended): boolean =>
      data.uses_secrets === true || providers.secretOf(data.provider) !== undefined;
    bus.handleOnlyIf(jobAttemptFailed, { event: ({ data }) => data.uses_secrets === true });
    for (const def of [jobCompleted, jobFailed, jobCancelled])
      bus.handleOnlyIf(def, { event: (ended) => hadSomething(ended) });
  }

  @OnEvents(jobClaimed)
  async claimed(events: EventOf<typeof jobClaimed>[], tx: Tx): Promise<void> {
    const claims = events
      .filter(({ data }) => data.secrets.length > 0)
      .map(({ data }) => ({
        ...claimOf(data),
        claimId: data.claim_id,
        teamId: data.team_id ?? null,
        names: data.secrets,
        approved: data.approved_secrets ?? [],
      }));
    await addClaims(tx, claims, this.clock.now());
    const again = claims.filter(({ attempt }) => attempt > 1);
    if (again.length === 0 || !this.leases.parts) return;
    await endLeasesBefore(tx, again, this.clock.now());
    tx.afterCommit(() => this.leases.wake());
  }

  /** Until the next attempt is claimed nobody runs who needs them; what was granted for the job stays. */
  @OnEvents(jobAttemptFailed)
  async attemptFailed(events: EventOf<typeof jobAttemptFailed>[], tx: Tx): Promise<void> {
    const now = this.clock.now();
    const claims = events.map(({ data }) => claimOf(data));
    await endClaims(tx, claims, now);
    if (!this.leases.parts) return;
    const next = claims.map((claim) => ({ ...claim, attempt: claim.attempt + 1 }));
    await endLeasesBefore(tx, next, now);
    tx.afterCommit(() => this.leases.wake());
  }

  @OnEvents(jobCompleted)
  async completed(events: EventOf<typeof jobCompleted>[], tx: Tx): Promise<void> {
    await this.#end(events, tx);
  }

  @OnEvents(jobFailed)
  async failed(events: EventOf<typeof jobFailed>[], tx: Tx): Promise<void> {
    await this.#end(events, tx);
  }

  @OnEvents(jobCancelled)
  async cancelled(events: EventOf<typeof jobCancelled>[], tx: Tx): Promise<void> {
    await this.#end(events, tx);
  }

  async #end(events: readonly Ended[], tx: Tx): Promise<void> {
    const now = this.clock.now();
    // One that was never claimed has no attempt.
    const claims = events
      .filter(({ data }) => data.uses_secrets && data.attempt > 0)
      .map(({ data }) => claimOf(data));
    await endClaims(tx, claims, now);
    const jobIds = [...new Set(events.map(({ data }) => data.job_id))];
    await endGrants(tx, jobIds, now);
    if (!this.leases.parts) return;
    await endLeasesOfJobs(tx, jobIds, now);
    tx.afterCommit(() => this.leases.wake());
  }
}

const claimOf = ({
  job_id,
  attempt,
  user_id,
  org_id,
  provider,
}: Pick<Ended['data'], 'job_id' | 'attempt' | 'user_id' | 'org_id' | 'provider'>): Claim => ({
  jobId: job_id,
  attempt,
  claimId: null,
  userId: user_id,
  teamId: null,
  orgId: org_id ?? null,
  provider,
  names: [],
  approved: [],
});
