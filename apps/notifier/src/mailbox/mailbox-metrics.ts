import { Injectable } from '@nestjs/common';
import { Metrics } from '@lineclear/kit';
import { Counter, Gauge } from 'prom-client';
import type { MailKind, Sender } from '../domain/received-mail.js';

/** What shows that answers are read. */
@Injectable()
export class MailboxMetrics {
  readonly #received: Counter<'kind' | 'sender'>;
  readonly #failures: Counter;
  readonly #unreached: Counter<'why'>;
  readonly #open: Gauge;

  constructor(metrics: Metrics) {
    const registers = [metrics.registry];
    this.#received = new Counter({
      name: 'lineclear_mails_received_total',
      help: 'Mails that were handled, by what they are and what proves their sender',
      labelNames: ['kind', 'sender'],
      registers,
    });
    this.#failures = new Counter({
      name: 'lineclear_mailbox_failures_total',
      help: 'Connections to mailboxes that ended, or did not come about',
      registers,
    });
    this.#unreached = new Counter({
      name: 'lineclear_approval_mails_unreached_total',
      help: 'Bounces and automatic answers, by what they say of an approval mail; ignored: nothing, or of none that is known',
      labelNames: ['why'],
      registers,
    });
    this.#open = new Gauge({
      name: 'lineclear_mailboxes_open',
      help: 'Mailboxes that are being read right now',
      registers,
    });
  }

  received(kind: MailKind, sender: Sender | undefined): void {
    this.#received.inc({ kind, sender: sender ?? 'none' });
  }

  unreached(why: 'bounced' | 'away' | 'ignored'): void {
    this.#unreached.inc({ why });
  }

  failed(): void {
    this.#failures.inc();
  }

  opened(): void {
    this.#open.inc();
  }

  closed(): void {
    this.#open.dec();
  }
}
