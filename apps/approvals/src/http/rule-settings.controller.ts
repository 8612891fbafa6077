import { Body, Controller, Get, Put } from '@nestjs/common';
import { Allow, audited, differences } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, Database } from '@lineclear/kit';
import { z } from 'zod';
import { CurrentRules } from '../current-rules.js';
import { combineOf, setCombine } from '../db/rules.repo.js';
import { COMBINES } from '../domain/rule-set.js';

const settings = z.strictObject({ combine: z.enum(COMBINES) });
type Settings = z.infer<typeof settings>;

/** How the rules of the house work together. */
@Controller('api/approvals/settings')
export class RuleSettingsController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly rules: CurrentRules,
  ) {}

  @Get()
  @Allow('admin.approve')
  @Answers(200, settings, 'Says whether the first rule that holds a job decides, or all that do')
  async show(): Promise<Settings> {
    return { combine: await combineOf(this.database) };
  }

  @Put()
  @Allow('admin.config')
  @Answers(200, settings, 'Sets whether the first rule that holds a job decides, or all that do')
  async set(@Body({ schema: settings }) body: Settings): Promise<Settings> {
    await this.database.tx(async (tx) => {
      const before = { combine: await setCombine(tx, body.combine) };
      await this.rules.changedIn(tx);
      const details = differences(before, body, ['combine']);
      await this.bus.publish(
        tx,
        audited('approval_settings.changed', { target: 'approval_settings', details }),
      );
    });
    return body;
  }
}
