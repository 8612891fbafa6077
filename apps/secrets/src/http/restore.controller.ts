import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Allow, nothingChanged, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock } from '@lineclear/kit';
import type { z } from 'zod';
import { RestoreFolder } from '../store/restore-folder.js';
import { scopeOf } from './scopes.js';
import { restoreAnswer, restoreBody } from './secret-schemas.js';

/** Takes many secrets back to a moment. No secret's name begins with `-`, so no route of one secret is meant. */
@Controller('api/secrets/-/restore')
export class RestoreController {
  constructor(
    private readonly folder: RestoreFolder,
    private readonly clock: Clock,
  ) {}

  @Post()
  @HttpCode(200)
  @Allow()
  @Answers(
    200,
    restoreAnswer,
    'Takes all secrets whose names begin so back to a moment, or with dry_run tells what that would change',
  )
  async restore(
    @Body({ schema: restoreBody }) body: z.infer<typeof restoreBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof restoreAnswer>> {
    const at = new Date(body.at);
    if (at > this.clock.now()) throw BadInput.at('at', 'is in the future');
    const folder = {
      scope: scopeOf(who, body, body.dry_run ? 'read' : 'set'),
      prefix: body.prefix,
      at,
      byUserId: who.user_id,
    };
    if (!body.dry_run) return { dry_run: false, changes: await this.#answer(this.folder.restore(folder)) };
    nothingChanged();
    return { dry_run: true, changes: await this.#answer(this.folder.plan(folder)) };
  }

  async #answer(
    planned: ReturnType<RestoreFolder['plan']>,
  ): Promise<z.infer<typeof restoreAnswer>['changes']> {
    return (await planned).flatMap((step) => (step.step === 'keep' ? [] : [step]));
  }
}
