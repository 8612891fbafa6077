import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus, event } from '@lineclear/bus';
import { principalChanged } from '@lineclear/contracts';
import { BadInput, Clock, Database, NotFound } from '@lineclear/kit';
import * as identities from '../db/external-identities.repo.js';
import * as oidc from '../db/oidc.repo.js';
import * as sessions from '../db/sessions.repo.js';
import { logoutOf } from '../domain/logout-token.js';
import { after } from '../domain/session-lifetime.js';
import { OidcClient } from './oidc-client.js';
import { Providers } from './providers.js';

/** Ends the sessions of whom a provider logs out (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class ProviderLogout {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
    private readonly providers: Providers,
    private readonly client: OidcClient,
  ) {}

  async logOut(name: string, token: string): Promise<void> {
    const provider = await this.providers.byName(name);
    if (provider?.type !== 'oidc') throw new NotFound('identity provider', name);
    const now = this.clock.now();
    const claims = await this.client.verifyLogout(provider, token, now);
    const logout = logoutOf(claims, now);
    if (logout.state === 'wrong') throw BadInput.at('logout_token', logout.why);
    const { jti, sub, sid, goodForSeconds } = logout;
    await this.database.tx(async (tx) => {
      const expiresAt = after(now, goodForSeconds);
      if (!(await oidc.noteLogout(tx, { providerId: provider.id, jti, expiresAt })))
        throw BadInput.at('logout_token', 'was used before');
      const userId = sub === undefined ? undefined : await identities.userOf(tx, provider.id, sub);
      // Of somebody who never came here there are none.
      const isUnknown = sub !== undefined && userId === undefined;
      const ended = isUnknown ? [] : await sessions.endOfProvider(tx, provider.id, { sid, userId });
      const details = { user_ids: ended };
      await this.bus.publish(
        tx,
        audited('auth.logged_out_by_provider', { target: `identity_provider/${name}`, details }),
      );
      for (const id of ended)
        await this.bus.publish(tx, event(principalChanged, { user_id: id }, { about: `user/${id}` }));
    });
  }
}
