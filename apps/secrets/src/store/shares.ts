import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import { BadInput, Clock, Conflict, Database, NotFound, Unprocessable, type Tx } from '@lineclear/kit';
import * as secrets from '../db/secrets.repo.js';
import * as shares from '../db/shares.repo.js';
import { findVersion } from '../db/versions.repo.js';
import { readScope } from '../domain/scopes.js';
import { faultOfShare, isFor, isLive, type Access } from '../domain/shares.js';
import { changed, type Which } from './change-secrets.js';

export const MAX_SHARES = 100;

export interface NewShare {
  /** A scope, or `everyone`. */
  readonly receiver: string;
  readonly access: Access;
  readonly expiresAt: Date | null;
}

type Doer = Which & { readonly byUserId: number };

/** Lets others use a secret, under a name that they give it: what is shared never comes before what they have themselves. */
@Injectable()
export class Shares {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** Shares a secret, or sets another access or end for a share that is there; its id. @throws NotFound, BadInput, Conflict for a template, Unprocessable for one too many */
  async share(which: Doer, { receiver, access, expiresAt }: NewShare): Promise<number> {
    const fault = faultOfShare(readScope(which.scope), which.scope, receiver);
    if (fault !== undefined) throw BadInput.at('to', fault);
    return this.database.tx(async (tx) => {
      const { id: secretId, version } = await lockLiving(tx, which);
      if ((await findVersion(tx, secretId, version))?.is_template)
        throw new Conflict(
          `${which.name} is a template, which would be filled in with what its receiver has`,
        );
      const there = await shares.sharesOf(tx, secretId);
      if (there.length >= MAX_SHARES && !there.some((one) => one.receiver === receiver))
        throw new Unprocessable(`no secret is shared more than ${MAX_SHARES} times`);
      const now = this.clock.now();
      const id = await shares.putShare(tx, {
        secretId,
        receiver,
        access,
        expiresAt,
        by: which.byUserId,
        now,
      });
      const end = expiresAt === null ? {} : { expires_at: expiresAt.toISOString() };
      await this.#tell(tx, 'secret.shared', which, { with: receiver, access, ...end });
      return id;
    });
  }

  /** Ends a share, and with it every name that it has elsewhere. @throws NotFound */
  async revoke(which: Doer, id: number): Promise<void> {
    await this.database.tx(async (tx) => {
      const secret = await secrets.lockSecret(tx, which.scope, which.name);
      if (!secret) throw new NotFound('secret', which.name);
      const named = (await shares.aliasesOf(tx, secret.id)).filter(({ share_id }) => share_id === id);
      if (!(await shares.dropShare(tx, secret.id, id))) throw new NotFound('share', id);
      await this.#tell(tx, 'secret.share_revoked', which, { share: id });
      for (const alias of named)
        await this.bus.publish(tx, changed(secret.id, { ...alias, byUserId: which.byUserId }, 0));
    });
  }

  /** Gives what is shared a name in a scope. @throws NotFound for what is not shared with it, Conflict where the name is taken */
  async accept(id: number, scope: string, as: string | undefined, byUserId: number): Promise<string> {
    return this.database.tx(async (tx) => {
      const share = await shares.lockShare(tx, id);
      const now = this.clock.now();
      if (!share || !isLive({ expiresAt: share.expires_at }, now) || !isFor(sharedOf(share), scope))
        throw new NotFound('share', id);
      const name = as ?? share.owner_name;
      await shares.takeNames(tx, scope);
      const alias = await shares.findAlias(tx, scope, name);
      if (alias?.share_id === id) return name;
      if (alias || (await secrets.findSecretId(tx, scope, name)))
        throw new Conflict(`there is a secret ${name} already: give this one another name`);
      await shares.insertAlias(tx, { scope, name, share_id: id }, byUserId, now);
      const { owner_scope: of, owner_name: ofName } = share;
      await this.#tell(tx, 'secret.share_accepted', { scope, name }, { of: `${of} ${ofName}`, share: id });
      await this.bus.publish(tx, changed(share.secret_id, { scope, name, byUserId }, share.version));
      return name;
    });
  }

  /** Drops the name that a scope gave to what is shared with it; whether there was one. */
  async drop({ scope, name, byUserId }: Doer): Promise<boolean> {
    return this.database.tx(async (tx) => {
      const alias = await shares.findAlias(tx, scope, name);
      if (!alias || !(await shares.dropAlias(tx, scope, name))) return false;
      await this.#tell(tx, 'secret.share_dropped', { scope, name }, { share: alias.share_id });
      await this.bus.publish(tx, changed(alias.secret_id, { scope, name, byUserId }, 0));
      return true;
    });
  }

  async #tell(
    tx: Tx,
    action: string,
    { scope, name }: Which,
    details: Record<string, string | number>,
  ): Promise<void> {
    await this.bus.publish(tx, audited(action, { target: `secret/${name}`, details: { scope, ...details } }));
  }
}

async function lockLiving(tx: Tx, { scope, name }: Which): Promise<secrets.LockedSecret> {
  const secret = await secrets.lockSecret(tx, scope, name);
  if (!secret || secret.deleted_at !== null) throw new NotFound('secret', name);
  return secret;
}

const sharedOf = ({ receiver, owner_scope: ownerScope, expires_at: expiresAt }: shares.OfferedShare) => ({
  receiver,
  ownerScope,
  expiresAt,
});
