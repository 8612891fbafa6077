import { fields, jobConfigs, needsMaxRuntime, type Principal, type SecretEntry } from '@lineclear/contracts';
import { BadInput, validate } from '@lineclear/kit';
import type { z } from 'zod';
import type { Provider } from '../domain/providers.js';
import { mostItMayCost, type RetryPolicy } from '../domain/retry.js';
import { distinctEntries, faultOfEntries } from '../domain/secret-entries.js';
import type { Wanted } from '../line/submission.js';
import { KEY_HEADER, key, type retryBody, type SubmitBody } from './submit-body.js';

/** The caller's key, from the body or the header. */
export function oneKey(inBody: string | undefined, header: string | undefined): string | undefined {
  if (header === undefined) return inBody;
  const inHeader = validate(key, header, KEY_HEADER);
  if (inBody !== undefined && inBody !== inHeader)
    throw BadInput.at('idempotency_key', `differs from the header ${KEY_HEADER}`);
  return inHeader;
}

/** The team that a job counts under. @throws BadInput for one that the caller is not in. */
export function teamOf({ teams = [] }: Principal, name: string | undefined): number | null {
  if (name === undefined) return teams[0]?.id ?? null;
  const team = teams.find((one) => one.slug === name);
  if (!team) throw BadInput.at('team', 'is none of your teams');
  return team.id;
}

/** @throws BadInput for what cannot be given together, or not by this provider */
function secretsOf(entries: readonly SecretEntry[], provider: Provider): readonly SecretEntry[] {
  const distinct = distinctEntries(entries);
  const fault = faultOfEntries(distinct, provider);
  if (fault !== undefined) throw BadInput.at('secrets', fault);
  return distinct;
}

/** @throws BadInput for hardware that the provider has no price for */
function priceOf(provider: Provider, hardware: string, field: string): Provider['hardware'][string] {
  const price = Object.hasOwn(provider.hardware, hardware) ? provider.hardware[hardware] : undefined;
  if (price !== undefined) return price;
  const known = Object.keys(provider.hardware).slice(0, 50).join(', ') || 'nothing';
  throw BadInput.at(field, `${provider.name} has no price for ${JSON.stringify(hardware)}; it has ${known}`);
}

/** The policy with what its hardware costs now. @throws BadInput for hardware that leads nowhere */
function priced(
  { oom_hardware: names, ...retry }: z.infer<typeof retryBody>,
  hardware: string,
  provider: Provider,
): RetryPolicy {
  if (names.includes(hardware)) throw BadInput.at('retry.oom_hardware', `has ${hardware}, where it begins`);
  const on = names.length > 0 && !retry.on.includes('oom') ? [...retry.on, 'oom' as const] : retry.on;
  return {
    ...retry,
    on,
    oom_hardware: names.map((name) => {
      const { cost_per_hour_usd, gpus = 1 } = priceOf(provider, name, 'retry.oom_hardware');
      return { hardware: name, cost_per_hour_usd, gpus };
    }),
  };
}

/** What a body asks for, checked and priced. @throws BadInput naming the field */
export function wanted(body: SubmitBody, provider: Provider, teamId: number | null): Wanted {
  const price = priceOf(provider, body.hardware, 'hardware');
  const retry = body.retry && priced(body.retry, body.hardware, provider);
  const jobConfig = jobConfigs[provider.type];
  if (jobConfig) validate(jobConfig, body.config, 'config');
  if (needsMaxRuntime(provider.type) && body.max_runtime_seconds === undefined)
    throw BadInput.at('max_runtime_seconds', `is required: ${provider.name} ends no job by itself`);
  const asked: Wanted = {
    provider: provider.name,
    configName: body.config_name,
    config: body.config,
    hardware: body.hardware,
    costPerHourUsd: price.cost_per_hour_usd,
    gpus: price.gpus ?? 1,
    estimatedDurationSeconds: body.estimated_duration_seconds,
    maxRuntimeSeconds: body.max_runtime_seconds ?? null,
    outputPath: body.output_path ?? null,
    checkpointPath: body.checkpoint_path ?? null,
    preemptible: body.preemptible ?? false,
    dependsOn: body.depends_on ?? [],
    retry: retry ?? null,
    secrets: secretsOf(body.secrets, provider),
    labels: body.labels,
    priority: body.priority,
    teamId,
  };
  if (!fields.costUsd.safeParse(mostItMayCost(asked)).success)
    throw BadInput.at('estimated_duration_seconds', 'makes all attempts together cost more than can be told');
  return asked;
}
