import { createHmac } from 'node:crypto';
import type { Secret } from '@lineclear/kit';
import { isRunKey } from '../domain/run.js';
import { isSame, type ArrivedWebhook, type AskedWebhook, type Hint } from './webhook.js';

/** RunPod signs nothing: the address that it is given for a run has a token in it that is good for this run alone. */
export const runpodWebhookUrl = ({ url, secret }: AskedWebhook, runKey: string): string =>
  `${url}?${new URLSearchParams({ run: runKey, token: tokenOf(runKey, secret).toString('base64url') }).toString()}`;

/** The run whose address a webhook was sent to; undefined where that is no address that we gave out. The body is not read. */
export function verifyRunpodWebhook({ query: { run, token }, secret }: ArrivedWebhook): Hint | undefined {
  if (run === undefined || token === undefined || !isRunKey(run)) return undefined;
  return isSame(Buffer.from(token, 'base64url'), tokenOf(run, secret)) ? { runKey: run } : undefined;
}

const tokenOf = (runKey: string, secret: Secret): Buffer =>
  createHmac('sha256', secret.reveal()).update(`webhook ${runKey}`).digest();
