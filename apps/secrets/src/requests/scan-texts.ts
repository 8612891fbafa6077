import { Controller } from '@nestjs/common';
import { OnRequest } from '@lineclear/bus';
import { scanTexts, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { MAX_FOUND, tell } from '../domain/leak-scan.js';
import { KnownSecrets } from '../store/known-secrets.js';

/** Tells which texts hold a secret's value. Neither texts nor values are kept, logged or answered. */
@Controller()
export class ScanTexts {
  constructor(private readonly known: KnownSecrets) {}

  @OnRequest(scanTexts)
  async scan({ texts }: RequestOf<typeof scanTexts>): Promise<ReplyOf<typeof scanTexts>> {
    const secrets = await this.known.foundIn(texts.map(({ text }) => text));
    const found = texts.flatMap(({ path, user_id }, index) =>
      tell(secrets[index]!, user_id).map((told) => ({ path, ...told })),
    );
    return { found: found.slice(0, MAX_FOUND) };
  }
}
