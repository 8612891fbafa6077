import { Controller, Post } from '@nestjs/common';
import { Allow, audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Answers, Database } from '@lineclear/kit';
import type { z } from 'zod';
import { OutsideSources } from '../sources/outside-sources.js';
import { clearAnswer } from './secret-schemas.js';

/** What is remembered of sources far away, for whoever has just changed a secret there. */
@Controller('api/secrets/-/cache')
export class CacheController {
  constructor(
    private readonly outside: OutsideSources,
    private readonly bus: Bus,
    private readonly database: Database,
  ) {}

  @Post('clear')
  @Allow('admin.config')
  @Answers(200, clearAnswer, 'Forgets what was fetched from sources far away, in every replica')
  async clear(): Promise<z.infer<typeof clearAnswer>> {
    await this.database.tx((tx) =>
      this.bus.publish(tx, audited('secrets.cache_cleared', { target: 'secrets/cache' })),
    );
    return { cleared: this.outside.clearEverywhere() };
  }
}
