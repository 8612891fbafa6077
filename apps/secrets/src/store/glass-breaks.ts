import { Inject, Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event, type Outgoing } from '@lineclear/bus';
import { ownSecretTaken, secretGlassBroken } from '@lineclear/contracts';
import { Clock, CONFIG, Conflict, Database, NotAllowed, NotFound } from '@lineclear/kit';
import type { Config } from '../config.js';
import { noteAccess } from '../db/access-log.repo.js';
import { insertGlassBreak, lockGlassBreak, reviewGlassBreak, setDeadline } from '../db/glass-breaks.repo.js';
import { lockSecret } from '../db/secrets.repo.js';
import { deadlinesOf } from '../domain/break-glass.js';
import { readScope } from '../domain/scopes.js';
import { Fingerprints } from '../domain/fingerprint.js';
import { sealValues } from '../requests/sealed-values.js';
import { OwnStore } from '../sources/own-store.js';

interface By {
  readonly userId: number;
  readonly username: string;
}
interface Opened {
  readonly id: number;
  readonly box: string;
  readonly version: number;
  readonly mustRotateBy: Date;
}

/** Gives a value out in an emergency. Nobody gets it quietly: it is told first, and is worth nothing soon. */
@Injectable()
export class GlassBreaks {
  constructor(
    private readonly store: OwnStore,
    private readonly database: Database,
    private readonly fingerprints: Fingerprints,
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The current value, sealed. @throws NotFound, Refused when it has ended, Conflict when it was changed at this moment */
  async open(scope: string, name: string, reason: string, by: By, publicKey: string): Promise<Opened> {
    const found = (await this.store.find(scope, [name])).get(name);
    if (!found) throw new NotFound('secret', name);
    const box = await sealValues(publicKey, new Map([[name, found]]));
    const { value, version } = found;
    const now = this.clock.now();
    const deadlines = deadlinesOf(now, this.config.LINECLEAR_SECRETS_BREAK_GLASS_HOURS);
    return this.database.tx(async (tx) => {
      const secret = await lockSecret(tx, scope, name);
      if (!secret || secret.deleted_at !== null) throw new NotFound('secret', name);
      if (secret.version !== version) throw new Conflict(`${name} was set at this moment: ask again`);
      const mustRotateBy = await setDeadline(tx, secret.id, deadlines);
      const seen = { scope, name, version, fingerprint: this.fingerprints.of(value.reveal()) };
      const byWhom = { byUser: by.userId, byName: by.username };
      const id = await insertGlassBreak(tx, { ...seen, reason, ...byWhom, at: now, mustRotateBy });
      await noteAccess(tx, now, { askedBy: 'http', purpose: 'break_glass', userId: by.userId }, [
        { name, source: 'store', scope, version, outcome: 'released' },
      ]);
      const told = { scope, version, reason, must_rotate_by: mustRotateBy.toISOString() };
      await this.bus.publish(
        tx,
        audited('secret.glass_broken', { target: `secret/${name}`, details: { ...told, opening: id } }),
        event(
          secretGlassBroken,
          { ...told, name, by_user_id: by.userId, by: by.username },
          { about: `secret/${secret.id}` },
        ),
        ...toOwner(secret.id, { scope, name, version, mustRotateBy }, reason, by),
      );
      return { id, box, version, mustRotateBy };
    });
  }

  /** Notes that somebody else has looked at an opening. @throws NotFound outside of `scopes`, NotAllowed for one's own, Conflict */
  async review(id: number, scopes: 'all' | readonly string[], note: string, by: By): Promise<void> {
    await this.database.tx(async (tx) => {
      const opening = await lockGlassBreak(tx, id);
      if (!opening || (scopes !== 'all' && !scopes.includes(opening.scope)))
        throw new NotFound('opening', id);
      if (opening.by_user === by.userId) throw new NotAllowed('nobody reviews what they opened themselves');
      if (opening.reviewed_at !== null) throw new Conflict('it was reviewed already');
      await reviewGlassBreak(tx, id, { at: this.clock.now(), by: by.userId, name: by.username, note });
      const details = { scope: opening.scope, opening: id, note };
      await this.bus.publish(
        tx,
        audited('secret.glass_reviewed', { target: `secret/${opening.name}`, details }),
      );
    });
  }
}

interface Seen {
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly mustRotateBy: Date;
}

/** Whose own secret somebody else has taken hears of it. */
function toOwner(
  id: string,
  { scope: text, name, version, mustRotateBy }: Seen,
  reason: string,
  by: By,
): Outgoing[] {
  const scope = readScope(text);
  if (scope.kind !== 'user' || scope.id === by.userId) return [];
  const told = { user_id: scope.id, name, version, by: by.username, reason };
  return [
    event(ownSecretTaken, { ...told, must_rotate_by: mustRotateBy.toISOString() }, { about: `secret/${id}` }),
  ];
}
