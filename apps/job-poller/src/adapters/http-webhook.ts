import { createHmac } from 'node:crypto';
import type { ProviderConfigOf } from '@lineclear/kit';
import { at } from '../domain/template.js';
import { isSignedByStandard } from './standard-webhooks.js';
import { isSame, jsonIn, type ArrivedWebhook, type Hint } from './webhook.js';

type HttpWebhook = NonNullable<ProviderConfigOf<'http'>['webhook']>;

/** The run that a webhook is about; undefined where it is not signed as the configuration says, or names none. */
export function verifyHttpWebhook(config: HttpWebhook, webhook: ArrivedWebhook): Hint | undefined {
  const isSigned =
    config.scheme === 'standard-webhooks'
      ? isSignedByStandard(webhook)
      : isSignedInHex(webhook, webhook.headers[config.header]);
  if (!isSigned) return undefined;
  const id = at(jsonIn(webhook.rawBody), config.id);
  return (typeof id === 'string' && id !== '') || typeof id === 'number'
    ? { externalId: String(id) }
    : undefined;
}

/** Over the body alone: that such a webhook is old, nobody can see. */
function isSignedInHex({ rawBody, secret }: ArrivedWebhook, signature: string | undefined): boolean {
  if (signature === undefined) return false;
  const right = createHmac('sha256', secret.reveal()).update(rawBody).digest();
  return isSame(Buffer.from(signature.replace(/^sha256=/, ''), 'hex'), right);
}
