import { Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { can, tenantOf } from '@lineclear/access';
import { decideForJob, deciderNow } from '@lineclear/contracts';
import { Unavailable } from '@lineclear/kit';
import type { Asked } from '../domain/slack-interaction.js';

// Slack waits three seconds for both together.
const WHO_DEADLINE_MS = 800;
const DECIDE_DEADLINE_MS = 1_500;

interface Word {
  readonly userId: number;
  readonly asked: Asked;
  readonly jobId: string;
  readonly status: 'approved' | 'rejected';
  readonly reason?: string;
}
/** What came of it, in words for whoever decided. */
interface Told {
  readonly isTaken: boolean;
  readonly message: string;
}

/** Has approvals count somebody's word, with the rights that they have at this moment: the rules are those of every other way. */
@Injectable()
export class DecideInSlack {
  constructor(private readonly bus: Bus) {}

  async decide({ userId, asked, jobId, status, reason }: Word): Promise<Told> {
    const who = await this.#whoIs(userId);
    if (who === 'unknown')
      return no('Lineclear does not answer just now. Nothing was decided; please try again.');
    if (!who) return no('Your Lineclear account is not active. Nothing was decided.');
    if (!can(who, 'admin.approve')) return no('You may not decide on approvals. Nothing was decided.');
    const { user_id, username, level, reaches, teams } = who;
    const tenant = tenantOf(who);
    const by = {
      level,
      reaches,
      ...(teams && { team_ids: teams.map(({ id }) => id) }),
      ...(tenant !== undefined && { tenant }),
      actor: { user_id, username, via: 'slack' as const },
    };
    const notes = reason === undefined ? {} : { notes: reason };
    const question = {
      job_id: jobId,
      approval_id: asked.approvalId,
      ...(asked.step && { asked: asked.step }),
      status,
      ...notes,
      by,
    };
    try {
      const reply = await ask(this.bus, decideForJob, question, DECIDE_DEADLINE_MS);
      if ('refused' in reply) return no(`Nothing was decided: ${reply.refused.message}.`);
      return yes(
        reply.decided.is_open
          ? 'Your word counts. More people are needed.'
          : `You ${status === 'approved' ? 'approved' : 'rejected'} it.`,
      );
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return no(
        'There was no answer in time. If your word was taken, the message will say so; if not, please try again.',
      );
    }
  }

  async #whoIs(userId: number) {
    try {
      return (await ask(this.bus, deciderNow, { user_id: userId }, WHO_DEADLINE_MS)).decider;
    } catch (error) {
      if (error instanceof Unavailable) return 'unknown' as const;
      throw error;
    }
  }
}

const yes = (message: string): Told => ({ isTaken: true, message });
const no = (message: string): Told => ({ isTaken: false, message });
