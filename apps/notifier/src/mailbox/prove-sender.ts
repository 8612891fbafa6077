import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '@lineclear/kit';
import type { Config } from '../config.js';
import type { Sender } from '../domain/received-mail.js';
import { isSealed } from './arc-sets.js';
import { doubtOfArc } from './arc.js';
import { doubtOfDmarc, RESOLVE_RECORDS, type ResolveRecords, type SignedMail } from './dmarc.js';
import { valuesOf } from './header-lines.js';
import { doubtOfRelay } from './relay-word.js';

/** Who stands behind the From address of a mail, and why nobody does. */
export interface Proof {
  readonly sender: Sender;
  readonly doubt?: string | undefined;
}

/** Proves that a mail comes from the address that it says it comes from. */
@Injectable()
export class ProveSender {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(RESOLVE_RECORDS) private readonly resolve: ResolveRecords,
  ) {}

  /**
   * `sealers` are believed of mails that they forwarded.
   * @throws DnsAway when that cannot be told just now
   */
  async of(mail: SignedMail, sealers: readonly string[]): Promise<Proof> {
    const { lines, from } = mail;
    switch (this.config.REPLY_SENDER_CHECK) {
      case 'dmarc': {
        const doubt = await doubtOfDmarc(mail, this.resolve);
        if (doubt === undefined) return { sender: 'dmarc' };
        if (sealers.length === 0 || !isSealed(lines)) return { sender: 'unproven', doubt };
        const doubtOfSealer = await doubtOfArc(mail, sealers, this.resolve);
        if (doubtOfSealer === undefined) return { sender: 'trusted_relay' };
        return { sender: 'unproven', doubt: `${doubt}; ${doubtOfSealer}` };
      }
      case 'trusted_relay': {
        const said = valuesOf(lines, 'authentication-results');
        const domain = from.slice(from.lastIndexOf('@') + 1);
        const doubt = doubtOfRelay(said, this.config.REPLY_TRUSTED_AUTHSERV_ID ?? '', domain);
        return doubt === undefined ? { sender: 'trusted_relay' } : { sender: 'unproven', doubt };
      }
      // Whoever switched the check off trusts the server that puts mail into the mailbox, whatever that let through.
      case 'off':
        return { sender: 'trusted_relay' };
    }
  }
}
