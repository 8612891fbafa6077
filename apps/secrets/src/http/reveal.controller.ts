import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Allow, audited, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { fields, sealedBox, type Principal } from '@lineclear/contracts';
import { Answers, Clock, Database } from '@lineclear/kit';
import { z } from 'zod';
import { noteAccess } from '../db/access-log.repo.js';
import { isChannelName } from '../domain/lookup.js';
import { requireSealable, sealValues } from '../requests/sealed-values.js';
import { OwnStore } from '../sources/own-store.js';
import { scopeOf } from './scopes.js';
import { whose } from './secret-schemas.js';

const MAX_NAMES = 100;

const revealBody = z.strictObject({
  ...whose,
  names: z
    .array(
      fields.secretName.refine(
        (name) => !isChannelName(name),
        'is of a notification channel, and for it alone',
      ),
    )
    .min(1)
    .max(MAX_NAMES),
  /** X25519 SPKI DER, base64: the asker's, made for this question. */
  public_key: z.string().max(200),
});
const revealAnswer = z.object({
  /** A JSON object of name to value, sealed to the key; absent when no name is there. */
  box: sealedBox.optional(),
  versions: z.record(z.string(), z.int()),
  missing: z.array(z.string()),
});

/**
 * Gives values of the store to whoever may set them: to load them down to a machine. They leave sealed to a key of the
 * asker's, so that no proxy, log or browser history on the way holds them, and never without a line in both logs.
 */
@Controller('api/secrets/-/reveal')
export class RevealController {
  constructor(
    private readonly store: OwnStore,
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Post()
  @HttpCode(200)
  @Allow()
  @Answers(200, revealAnswer, 'Gives the values of stored secrets, sealed to a key of the caller’s')
  async reveal(
    @Body({ schema: revealBody }) body: z.infer<typeof revealBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof revealAnswer>> {
    const place = scopeOf(who, body, 'set');
    requireSealable(body.public_key);
    const names = [...new Set(body.names)];
    const found = await this.store.find(place, names);
    const missing = names.filter((name) => !found.has(name));
    const box = found.size === 0 ? undefined : await sealValues(body.public_key, found);
    const lines = names.map((name) => ({
      name,
      source: found.has(name) ? 'store' : null,
      scope: found.has(name) ? place : null,
      version: found.get(name)?.version ?? null,
      outcome: found.has(name) ? ('released' as const) : ('missing' as const),
    }));
    await this.database.tx(async (tx) => {
      const asked = { askedBy: 'http', purpose: 'reveal', userId: who.user_id };
      await noteAccess(tx, this.clock.now(), asked, lines);
      const told = [...found].map(([name, { version }]) =>
        audited('secret.revealed', {
          target: `secret/${name}`,
          details: { scope: place, version: version ?? 0 },
        }),
      );
      const nothing = audited('secret.revealed', {
        target: 'secrets',
        details: { scope: place, missing: missing.length },
      });
      await this.bus.publish(tx, ...(told.length > 0 ? told : [nothing]));
    });
    const versions = Object.fromEntries([...found].map(([name, { version }]) => [name, version ?? 0]));
    return { ...(box ? { box } : {}), versions, missing };
  }
}
