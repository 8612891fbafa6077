import { Body, Controller, Headers, Param, Post, Res } from '@nestjs/common';
import { Allow, audited, can, Who } from '@lineclear/access';
import {
  approvalNeed,
  fields,
  JOB_STATES,
  jobConfigs,
  needsMaxRuntime,
  namesOfSecrets,
  secretEntry,
  slug,
  type Principal,
  type SecretEntry,
} from '@lineclear/contracts';
import {
  Answers,
  BadInput,
  Clock,
  currentTraceparent,
  NotAllowed,
  TooMany,
  Unavailable,
  Unprocessable,
  validate,
} from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { PRIORITIES } from '../domain/band.js';
import type { Provider } from '../domain/providers.js';
import { distinctEntries, faultOfEntries } from '../domain/secret-entries.js';
import { requestHash } from '../domain/request-hash.js';
import { refusalOf } from '../line/judge-resources.js';
import { Providers } from '../line/providers.js';
import { RefusedLeaks } from '../line/refused-leaks.js';
import { StoreSubmits } from '../line/store-submits.js';
import { newJob, type Outcome, type Submission, type Wanted } from '../line/submission.js';
import { SubmitBatches } from '../line/submit-batches.js';

const MAX_CONFIG_BYTES = 262_144;
const MAX_DURATION_SECONDS = 2_592_000;
const MAX_LABELS = 32;
const KEY_HEADER = 'Idempotency-Key';

const durationSeconds = z.int().min(1).max(MAX_DURATION_SECONDS);
const key = z.string().trim().min(1).max(200);
const submitBody = z.strictObject({
  config_name: fields.configName,
  /** The provider's own input. For a local job: `command` (an array of strings), `env`, `working_directory`. */
  config: z
    .record(z.string().max(200), z.unknown())
    .refine(
      (config) => Buffer.byteLength(JSON.stringify(config)) <= MAX_CONFIG_BYTES,
      `is larger than ${MAX_CONFIG_BYTES} bytes`,
    ),
  hardware: fields.hardware,
  estimated_duration_seconds: durationSeconds.default(3_600),
  max_runtime_seconds: durationSeconds.optional(),
  output_path: z.string().min(1).max(1_000).optional(),
  /** Names of secrets that the job gets, and how where that is not in the variable of the name; never their values. */
  secrets: z.array(secretEntry).max(50).default([]),
  labels: z
    .record(z.string().min(1).max(63), z.string().max(255))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `has more than ${MAX_LABELS} entries`)
    .default({}),
  priority: z.enum(PRIORITIES).default('normal'),
  /** Which of the caller's teams it counts under; the one joined first when it is not said. */
  team: slug.optional(),
  /** Passes an approval that it may need, with `job.bypass.approval`: somebody else looks at it afterwards. */
  bypass_approval: z.strictObject({ reason: z.string().trim().min(1).max(2_000) }).optional(),
  idempotency_key: key.optional(),
});
type SubmitBody = z.infer<typeof submitBody>;

const accepted = z.object({
  job_id: fields.jobId,
  status: z.enum(JOB_STATES),
  estimated_cost_usd: fields.costUsd,
  approval: z
    .object({
      id: z.uuid(),
      reason: fields.reason,
      rule: z.string(),
      required_level: approvalNeed.shape.required_level,
      expires_at: fields.instant,
    })
    .optional(),
  warnings: z.array(z.string()),
});
const NOT_EVALUATED =
  'approvals does not answer right now: the job waits until its rules have been looked at';

/** Takes jobs in. */
@Controller('api/cloud')
export class SubmitController {
  constructor(
    private readonly batches: SubmitBatches,
    private readonly store: StoreSubmits,
    private readonly providers: Providers,
    private readonly refusedLeaks: RefusedLeaks,
    private readonly clock: Clock,
  ) {}

  @Post(':provider/submit')
  @Allow('job.submit')
  @Answers(202, accepted, 'Submits a job; it runs once no rule holds it and it is its turn')
  async submit(
    @Param('provider', { schema: fields.provider }) providerName: string,
    @Body({ schema: submitBody }) body: SubmitBody,
    @Headers(KEY_HEADER) keyHeader: string | undefined,
    @Who() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.input<typeof accepted>> {
    const provider = await this.providers.get(providerName);
    if (body.priority === 'high' && !can(by, 'job.priority.high'))
      throw new NotAllowed('high priority needs the permission job.priority.high');
    const bypass = body.bypass_approval;
    if (bypass && !can(by, 'job.bypass.approval'))
      throw new NotAllowed('passing an approval needs the permission job.bypass.approval');
    const { idempotency_key, ...request } = body;
    const idempotencyKey = oneKey(idempotency_key, keyHeader);
    const asked = wanted(request, provider, teamOf(by, body.team));
    const job = newJob(asked, by, this.clock.now(), currentTraceparent());
    const submission = {
      job,
      teamIds: (by.teams ?? []).map(({ id }) => id),
      ...(bypass && { bypass }),
      entry: submitted(job),
      ...(idempotencyKey === undefined
        ? {}
        : { key: idempotencyKey, requestSha256: requestHash({ provider: providerName, ...request }) }),
    };
    const refusal = refusalOf(by, asked);
    const outcome = refusal
      ? await this.#onlyRepeated(submission, refusal)
      : await this.batches.submit(submission);
    if (outcome.kind === 'key_taken') {
      throw new Unprocessable('this idempotency key was used for another request', [
        { path: 'idempotency_key', message: 'belongs to another request' },
      ]);
    }
    if (outcome.kind === 'over_quota') {
      const { reasons, until } = outcome;
      const seconds = (until.getTime() - this.clock.now().getTime()) / 1_000;
      throw new TooMany(
        reasons.join('; '),
        seconds,
        reasons.map((message) => ({ path: 'quota', message })),
      );
    }
    if (outcome.kind === 'not_scanned')
      throw new Unavailable('whether the job holds a secret cannot be said right now; nothing was stored');
    if (outcome.kind === 'leaks') throw await this.refusedLeaks.of(outcome.found, providerName);
    const { job: stored } = outcome;
    void reply.header('location', `/api/cloud/jobs/${stored.id}`);
    return {
      job_id: stored.id,
      status: stored.state,
      estimated_cost_usd: stored.estimatedCostUsd,
      ...(stored.approval === null
        ? {}
        : {
            approval: {
              id: stored.approval.approval_id,
              reason: stored.approval.reason,
              rule: stored.approval.rule_name,
              required_level: stored.approval.required_level,
              expires_at: stored.approval.expires_at,
            },
          }),
      warnings: [
        ...(outcome.kind === 'accepted' ? outcome.warnings : []),
        ...(stored.state === 'awaiting_evaluation' && !stored.facts.over_quota ? [NOT_EVALUATED] : []),
      ],
    };
  }

  /** A rule that came later takes no answer back: the job of a known key is told of again, and nothing is stored. */
  async #onlyRepeated(submission: Submission, refusal: NotAllowed): Promise<Outcome> {
    const known = await this.store.known(submission);
    if (!known) throw refusal;
    return known;
  }
}

const submitted = (job: Submission['job']): Submission['entry'] =>
  audited('job.submitted', {
    target: `job/${job.id}`,
    details: {
      provider: job.provider,
      config_name: job.configName,
      hardware: job.hardware,
      estimated_cost_usd: job.estimatedCostUsd,
      secrets: namesOfSecrets(job.secrets),
    },
  });

/** The caller's key, from the body or the header. */
function oneKey(inBody: string | undefined, header: string | undefined): string | undefined {
  if (header === undefined) return inBody;
  const inHeader = validate(key, header, KEY_HEADER);
  if (inBody !== undefined && inBody !== inHeader)
    throw BadInput.at('idempotency_key', `differs from the header ${KEY_HEADER}`);
  return inHeader;
}

/** The team that a job counts under. @throws BadInput for one that the caller is not in. */
function teamOf({ teams = [] }: Principal, name: string | undefined): number | null {
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

function wanted(
  body: Omit<SubmitBody, 'idempotency_key'>,
  provider: Provider,
  teamId: number | null,
): Wanted {
  const price = Object.hasOwn(provider.hardware, body.hardware)
    ? provider.hardware[body.hardware]
    : undefined;
  if (price === undefined) {
    const known = Object.keys(provider.hardware).slice(0, 50).join(', ') || 'nothing';
    throw BadInput.at(
      'hardware',
      `${provider.name} has no price for ${JSON.stringify(body.hardware)}; it has ${known}`,
    );
  }
  const jobConfig = jobConfigs[provider.type];
  if (jobConfig) validate(jobConfig, body.config, 'config');
  if (needsMaxRuntime(provider.type) && body.max_runtime_seconds === undefined)
    throw BadInput.at('max_runtime_seconds', `is required: ${provider.name} ends no job by itself`);
  return {
    provider: provider.name,
    configName: body.config_name,
    config: body.config,
    hardware: body.hardware,
    costPerHourUsd: price.cost_per_hour_usd,
    gpus: price.gpus ?? 1,
    estimatedDurationSeconds: body.estimated_duration_seconds,
    maxRuntimeSeconds: body.max_runtime_seconds ?? null,
    outputPath: body.output_path ?? null,
    secrets: secretsOf(body.secrets, provider),
    labels: body.labels,
    priority: body.priority,
    teamId,
  };
}
