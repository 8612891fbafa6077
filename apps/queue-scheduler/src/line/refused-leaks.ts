import { Injectable } from '@nestjs/common';
import { audited } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { ReplyOf, scanTexts } from '@lineclear/contracts';
import { Database, Unprocessable } from '@lineclear/kit';

type Found = ReplyOf<typeof scanTexts>['found'][number];

/** Refuses a submit that holds values of secrets, and tells the audit log. Fields and names are told, values are not. */
@Injectable()
export class RefusedLeaks {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
  ) {}

  async of(found: readonly Found[], provider: string): Promise<Unprocessable> {
    const entry = audited('job.submitted', {
      outcome: 'refused',
      target: `provider/${provider}`,
      details: {
        reason: 'holds secrets',
        fields: found.map(({ path }) => path),
        secrets: found.flatMap(({ name }) => name ?? []),
      },
    });
    await this.database.tx((tx) => this.bus.publish(tx, entry));
    const errors = found.map((one) => ({ path: one.path, message: messageOf(one) }));
    return new Unprocessable(errors.map(({ path, message }) => `${path} ${message}`).join('; '), errors);
  }
}

const messageOf = ({ name }: Found): string =>
  name === undefined
    ? 'holds a secret of somebody else'
    : `holds the secret ${name}: name it in \`secrets\` instead`;
