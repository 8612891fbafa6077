import { Body, Controller, Get, Put } from '@nestjs/common';
import { Allow, audited, differences, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { levelName, type Principal } from '@lineclear/contracts';
import { Answers, BadInput, Database } from '@lineclear/kit';
import { z } from 'zod';
import { Approvers } from '../approvers.js';
import { CurrentRules } from '../current-rules.js';
import { combineOf, setCombine } from '../db/rules.repo.js';
import { lockSettings, setSettings, settingsNow } from '../db/settings.repo.js';
import type { ApprovalSettings } from '../domain/approval-settings.js';
import { COMBINES, type Combine } from '../domain/rule-set.js';

const MAX_STEPS = 5;
const MAX_FALLBACK = 10;

const settings = z.strictObject({
  /** Whether the first rule that holds a job decides what is asked for, or all that do. */
  combine: z.enum(COMBINES),
  /** Whom requests go on to that nobody decides, one step after the other. */
  escalation: z
    .array(z.strictObject({ after_hours: z.number().min(0.0001).max(8_760), level: levelName }))
    .max(MAX_STEPS)
    .refine(
      (all) => all.every((one, n) => n === 0 || one.after_hours > all[n - 1]!.after_hours),
      'does not rise',
    ),
  /** Who is asked where nobody else is left. */
  fallback_user_ids: z
    .array(z.int().min(1).max(2_147_483_647))
    .max(MAX_FALLBACK)
    .refine((ids) => new Set(ids).size === ids.length, 'names one person twice'),
  /** Above this estimated cost the link of a mail takes a login; null: never. */
  link_login_above_usd: z.number().min(0).max(1_000_000_000).nullable(),
});
type Settings = z.infer<typeof settings>;
const change = settings.partial().refine((all) => Object.keys(all).length > 0, {
  path: ['combine'],
  message: 'or another setting is missing',
});

/** How the rules of the house work together, and whom requests go on to. */
@Controller('api/approvals/settings')
export class SettingsController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly rules: CurrentRules,
    private readonly approvers: Approvers,
  ) {}

  @Get()
  @Allow('admin.approve')
  @Answers(200, settings, 'Shows how rules work together, and whom requests go on to that nobody decides')
  async show(): Promise<Settings> {
    return shown({ ...(await settingsNow(this.database)), combine: await combineOf(this.database) });
  }

  @Put()
  @Allow('admin.config')
  @Answers(200, settings, 'Sets what is named, and leaves the rest')
  async set(
    @Body({ schema: change }) body: z.infer<typeof change>,
    @Who() who: Principal,
  ): Promise<Settings> {
    await this.#refuseUnknown(body, who);
    return this.database.tx(async (tx) => {
      const before = { ...(await lockSettings(tx)), combine: await combineOf(tx) };
      const after = {
        combine: body.combine ?? before.combine,
        escalation: body.escalation ?? before.escalation,
        fallback_user_ids: body.fallback_user_ids ?? before.fallback_user_ids,
        link_login_above_usd:
          body.link_login_above_usd === undefined ? before.link_login_above_usd : body.link_login_above_usd,
      };
      if (after.combine !== before.combine) {
        await setCombine(tx, after.combine);
        await this.rules.changedIn(tx);
      }
      await setSettings(tx, after);
      const details = differences(told(before), told(after), [
        'combine',
        'escalation',
        'fallback_user_ids',
        'link_login_above_usd',
      ]);
      await this.bus.publish(
        tx,
        audited('approval_settings.changed', { target: 'approval_settings', details }),
      );
      return shown(after);
    });
  }

  /** @throws BadInput naming the level that the caller does not reach, or whoever may not approve */
  async #refuseUnknown(
    { escalation = [], fallback_user_ids = [] }: z.infer<typeof change>,
    who: Principal,
  ): Promise<void> {
    for (const [n, { level }] of escalation.entries())
      if (!who.reaches.includes(level))
        throw BadInput.at(`escalation.${n}.level`, 'is not a level that you reach');
    for (const [n, id] of fallback_user_ids.entries())
      if (!(await this.approvers.known(id))?.permissions.includes('admin.approve'))
        throw BadInput.at(`fallback_user_ids.${n}`, 'is nobody who may approve');
  }
}

type Known = ApprovalSettings & { readonly combine: Combine };

const shown = ({ escalation, fallback_user_ids, ...rest }: Known): Settings => ({
  ...rest,
  escalation: [...escalation],
  fallback_user_ids: [...fallback_user_ids],
});

/** As the audit log is told of them. */
const told = ({ escalation, fallback_user_ids, ...rest }: Known) => ({
  ...rest,
  escalation: escalation.map(({ after_hours, level }) => `${level} after ${after_hours} h`),
  fallback_user_ids: fallback_user_ids.map(String),
});
