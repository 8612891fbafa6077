import { runpodPodsConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import { ProviderFailure, type Listed, type Observation, type Submission } from './adapter.js';
import { containerOf } from './container.js';
import { configOf } from './job-config.js';
import { failureOf, type HttpAnswer } from './provider-http.js';
import { POD_ARGS, podStart } from './runpod-pod-command.js';

export type PodsConfig = ProviderConfigOf<'runpod_pods'>;

/** Its words for a state. EXITED is none: the mark in the log says how the command ended. */
export const POD_STATES: Readonly<Record<string, RemoteState>> = {
  PROVISIONING: 'starting',
  STARTING: 'starting',
  RUNNING: 'running',
  ERROR: 'failed',
  TERMINATED: 'cancelled',
};
export const EXITED = 'EXITED';

// 400 is what both a wrong request and a lack of machines get: only the words tell them apart.
const NO_MACHINE = /capacity|no longer any|no instances|not available|unavailable|could not be placed/i;
const NO_MACHINE_AGAIN_MS = 60_000;

export const pod = z.looseObject({
  id: z.string().min(1).max(200),
  name: z.string().nullish(),
  status: z.string(),
  cost: z.number().nonnegative().nullish(),
  runtime: z.looseObject({ uptime: z.number().nonnegative().optional() }).nullish(),
  createdAt: z.string().nullish(),
});
export type Pod = z.infer<typeof pod>;
export const pods = z.looseObject({ pods: z.array(pod) });
export const catalog = z.looseObject({
  gpus: z.array(
    z.looseObject({
      id: z.string(),
      price: z.looseObject({ secure: z.number().nullish(), community: z.number().nullish() }).nullish(),
      maxCount: z.looseObject({ secure: z.number().nullish(), community: z.number().nullish() }).nullish(),
    }),
  ),
});

export function createOf(submission: Submission, config: PodsConfig): Record<string, unknown> {
  const { command } = configOf(runpodPodsConfig, submission);
  const { image, env, secretEnv } = containerOf(submission, config.image);
  const { registry_id, data_center_ids, network_volume } = config;
  return {
    name: submission.runKey,
    image,
    args: POD_ARGS,
    // It has no other place for a secret: whoever may read the account's pods can read it there.
    env: { ...env, ...secretEnv, LINECLEAR_START: podStart(command, submission.runKey) },
    gpu: gpuOf(submission.hardware),
    cloud: config.cloud,
    disk: config.disk_gb,
    ...(registry_id === undefined ? {} : { registry: registry_id }),
    ...(data_center_ids === undefined ? {} : { dataCenterIds: data_center_ids }),
    ...(network_volume === undefined
      ? {}
      : { mounts: { network: [{ volumeId: network_volume.id, path: network_volume.path }] } }),
  };
}

function gpuOf(hardware: string): { id: string; count: number } {
  const [, id = hardware, count = '1'] = /^(.+):(\d{1,2})$/.exec(hardware) ?? [];
  return { id, count: Number(count) };
}

/** A lack of machines is no word on the job: it is sent again, as it would wait in a queue. */
export function refusal(answer: HttpAnswer): ProviderFailure {
  const failure = failureOf(answer);
  return answer.status === 400 && NO_MACHINE.test(answer.text)
    ? new ProviderFailure('busy', failure.message, NO_MACHINE_AGAIN_MS)
    : failure;
}

export function observationOf({ status, cost, runtime }: Pod): Observation {
  const costUsd =
    typeof cost === 'number' && runtime?.uptime !== undefined ? (cost * runtime.uptime) / 3_600 : undefined;
  return {
    word: status.slice(0, 60),
    state: Object.hasOwn(POD_STATES, status) ? POD_STATES[status] : undefined,
    ...(costUsd === undefined ? {} : { costUsd }),
  };
}

export function listedOf(one: Pod): Listed {
  const createdAt = new Date(one.createdAt ?? Number.NaN);
  return {
    externalId: one.id,
    seen: observationOf(one),
    ...(typeof one.name === 'string' ? { title: one.name } : {}),
    ...(one.name?.startsWith('lc-') === true ? { runKey: one.name } : {}),
    ...(Number.isNaN(createdAt.getTime()) ? {} : { createdAt }),
  };
}

const MAX_GPUS = 16;

/** By the names that jobs say: a GPU, or several of one. */
export function pricesIn(
  { gpus }: z.infer<typeof catalog>,
  cloud: PodsConfig['cloud'],
): ReadonlyMap<string, { usdPerHour: number; gpus: number }> {
  const kind = cloud === 'SECURE' ? 'secure' : 'community';
  return new Map(
    gpus.flatMap(({ id, price, maxCount }) => {
      const each = price?.[kind];
      if (typeof each !== 'number' || each <= 0) return [];
      const most = Math.min(MAX_GPUS, Math.max(1, maxCount?.[kind] ?? 1));
      return Array.from({ length: most }, (_, index) => index + 1).map(
        (count) => [count === 1 ? id : `${id}:${count}`, { usdPerHour: each * count, gpus: count }] as const,
      );
    }),
  );
}
