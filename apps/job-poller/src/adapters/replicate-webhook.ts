import { externalIdOf, keyOf, object } from './replicate-objects.js';
import { isSignedByStandard } from './standard-webhooks.js';
import { jsonIn, type ArrivedWebhook, type Hint } from './webhook.js';

/** The run that a webhook is about; undefined where it is not certain that Replicate sent it just now. */
export const verifyReplicateWebhook = (webhook: ArrivedWebhook): Hint | undefined =>
  isSignedByStandard(webhook) ? hintIn(webhook.rawBody) : undefined;

function hintIn(rawBody: string): Hint | undefined {
  const parsed = object.safeParse(jsonIn(rawBody));
  if (!parsed.success) return undefined;
  const isTraining = /\/trainings\//.test(parsed.data.urls?.get ?? '');
  const externalId = externalIdOf(isTraining ? 'trainings' : 'predictions', parsed.data);
  // It may come before the answer to the submit, when what Replicate calls the run is not known here.
  return { externalId, runKey: keyOf(parsed.data) };
}
