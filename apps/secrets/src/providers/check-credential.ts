import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Secret } from '@lineclear/kit';
import { Agent, fetch } from 'undici';
import { canBeSaid, readWhoami, WHOAMI, type Checked } from '../domain/whoami.js';

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 1_048_576;

/** Asks providers whose credentials are. Addresses are those of the table, but for those that a test gives. */
@Injectable()
export class CheckCredential implements OnApplicationShutdown {
  readonly #agent = new Agent({ connections: 4, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });

  constructor(private readonly addresses: Readonly<Record<string, string>> = {}) {}

  /** Undefined for a provider that cannot be asked. Never throws: one that is away has not said anything. */
  async check(provider: string, value: Secret): Promise<Checked | undefined> {
    const whoami = Object.hasOwn(WHOAMI, provider) ? WHOAMI[provider] : undefined;
    if (!whoami) return undefined;
    if (!canBeSaid(value.reveal())) return 'refused';
    const { url, header, say, also, body, proof } = whoami;
    try {
      const answer = await fetch(this.addresses[provider] ?? url, {
        dispatcher: this.#agent,
        method: body ? 'POST' : 'GET',
        // Wherever a redirect leads, the credential is not for that.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        headers: {
          accept: 'application/json',
          ...also,
          [header]: say(value.reveal()),
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return readWhoami(answer.status, await jsonOf(answer), proof);
    } catch {
      // Without the error: it may repeat what was sent.
      return 'unknown';
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** The body, or null where it is too long or no JSON. */
async function jsonOf(answer: { readonly body: AsyncIterable<Uint8Array> | null }): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) return null;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
