import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { Clock, Conflict, Database, NotFound, type Secret } from '@lineclear/kit';
import { recordOf } from '../db/keys.repo.js';
import * as links from '../db/secret-links.repo.js';
import { lockSecret } from '../db/secrets.repo.js';
import { KeyRing } from '../keys/key-ring.js';
import type { Which } from './change-secrets.js';

const TOKEN_BYTES = 32;
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Hands a value to somebody who has no account, or no right to the secret: by a link that works once. */
@Injectable()
export class OneTimeLinks {
  constructor(
    private readonly database: Database,
    private readonly ring: KeyRing,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** Makes a link to the current version. Its token is told once. @throws NotFound */
  async make(
    which: Which & { readonly byUserId: number },
    expiresInSeconds: number,
  ): Promise<{ id: number; token: string; version: number; expiresAt: Date }> {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const now = this.clock.now();
    const expiresAt = new Date(now.getTime() + expiresInSeconds * 1_000);
    return this.database.tx(async (tx) => {
      const secret = await lockSecret(tx, which.scope, which.name);
      if (!secret || secret.deleted_at !== null) throw new NotFound('secret', which.name);
      const { id: secretId, version } = secret;
      const link = {
        tokenSha256: sha256(token),
        secretId,
        version,
        createdBy: which.byUserId,
        now,
        expiresAt,
      };
      const id = await links.insertLink(tx, link);
      const details = { scope: which.scope, version, link: id, expires_at: expiresAt.toISOString() };
      await this.bus.publish(tx, audited('secret.link_made', { target: `secret/${which.name}`, details }));
      return { id, token, version, expiresAt };
    });
  }

  /** Takes back a link that nobody has opened. @throws NotFound, Conflict when there is no such link any more */
  async revoke(which: Which, id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      const secret = await lockSecret(tx, which.scope, which.name);
      if (!secret) throw new NotFound('secret', which.name);
      if (!(await links.revokeLink(tx, secret.id, id)))
        throw new Conflict(`there is no link ${id} that was not opened`);
      const details = { scope: which.scope, link: id };
      await this.bus.publish(tx, audited('secret.link_revoked', { target: `secret/${which.name}`, details }));
    });
  }

  /**
   * The value behind a link, once. A second opening means that the token was seen by two: it is audited as refused, so that
   * the secret can be changed. @throws NotFound for a link that is unknown, opened, ended or taken back: which is not told
   */
  async open(token: string): Promise<{ name: string; value: Secret }> {
    await this.ring.refresh();
    const opened = await this.database.tx(async (tx) => {
      const link = await links.takeLink(tx, sha256(token), this.clock.now());
      if (!link) return undefined;
      const { id, scope, name, version, secret_id: secretId, created_by: madeBy } = link;
      const value = await this.ring.open(
        { purpose: 'secret', scope, secretId, name, version },
        recordOf(link),
      );
      const details = { scope, version, link: id, made_by: madeBy };
      await this.bus.publish(tx, audited('secret.link_opened', { target: `secret/${name}`, details }));
      return { name, value };
    });
    if (opened) return opened;
    await this.#tellOfRefusal(token);
    throw new NotFound('such link: it was opened before, has ended, or was taken back');
  }

  async #tellOfRefusal(token: string): Promise<void> {
    const link = await links.findLink(this.database, sha256(token));
    if (!link) return;
    await this.database.tx(async (tx) => {
      const details = { link: link.id, made_by: link.created_by, was_opened: link.opened_at !== null };
      const said = { target: `secret/${link.name}`, details, outcome: 'refused' } as const;
      await this.bus.publish(tx, audited('secret.link_opened', said));
    });
  }
}
