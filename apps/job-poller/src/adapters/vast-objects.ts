import { vastConfig } from '@lineclear/contracts';
import type { ProviderConfigOf } from '@lineclear/kit';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import { ProviderFailure, type Submission } from './adapter.js';
import { containerOf, withExitMark } from './container.js';
import { configOf } from './job-config.js';
import { failureOf, type HttpAnswer } from './provider-http.js';

export type VastConfig = ProviderConfigOf<'vast'>;

/**
 * Its words for what a container does. `over`: its output says how it ended. `away`: nothing is heard of its machine, which may
 * come back; as with a run that is not there, it is lost when that lasts.
 */
export const VAST_STATES: Readonly<Record<string, RemoteState | 'over' | 'away'>> = {
  // Said as null.
  provisioning: 'starting',
  created: 'starting',
  loading: 'starting',
  running: 'running',
  rebooting: 'running',
  frozen: 'running',
  exited: 'over',
  stopped: 'over',
  unknown: 'away',
  offline: 'away',
};

export const instance = z.looseObject({
  id: z.int(),
  label: z.string().nullish(),
  actual_status: z.string().nullable(),
  intended_status: z.string().nullish(),
  status_msg: z.string().nullish(),
  /** Dollars an hour, all together. */
  dph_total: z.number().min(0).nullish(),
  start_date: z.number().nullish(),
});
export type Instance = z.infer<typeof instance>;
export const instances = z.looseObject({ instances: z.array(instance), next_token: z.string().nullish() });

const offer = z.looseObject({
  id: z.int(),
  gpu_name: z.string(),
  num_gpus: z.int().min(0),
  dph_total: z.number().min(0),
});
type Offer = z.infer<typeof offer>;
export const offers = z.looseObject({ offers: z.array(offer) });
export const created = z.looseObject({ success: z.literal(true), new_contract: z.int() });
export const logPlace = z.looseObject({ result_url: z.string().max(2_000) });

export const wordOf = ({ actual_status }: Instance): string => (actual_status ?? 'provisioning').slice(0, 60);

export const stateOf = (one: Instance): RemoteState | 'over' | 'away' | undefined => {
  const word = wordOf(one);
  return Object.hasOwn(VAST_STATES, word) ? VAST_STATES[word] : undefined;
};

/** What it has cost, while its GPU costs: by its price and its start, where their clock may be ahead of ours. */
export function costUsd({ dph_total, start_date }: Instance, now: Date): number | undefined {
  if (typeof dph_total !== 'number' || typeof start_date !== 'number') return undefined;
  return (dph_total * Math.max(0, now.getTime() / 1_000 - start_date)) / 3_600;
}

// More offers than these are of no use to one who takes the cheapest; with fewer, all of the market is not seen.
const OFFERS = 64;
const MARKET = 2_000;
const ALL = { verified: { eq: true }, rentable: { eq: true }, rented: { eq: false }, type: 'on-demand' };

/** Which offers a run can be made of, the cheapest first: none that is dearer than the configuration says. */
export function queryOf(hardware: string, config: VastConfig): Record<string, unknown> {
  const [, name = hardware, count = '1'] = /^(.+):(\d+)$/.exec(hardware) ?? [];
  const limit = config.hardware[hardware]?.cost_per_hour_usd;
  return {
    ...ALL,
    gpu_name: { eq: name },
    num_gpus: { eq: Number(count) },
    disk_space: { gte: config.disk_gb },
    allocated_storage: config.disk_gb,
    ...(limit === undefined ? {} : { dph_total: { lte: limit } }),
    order: [['dph_total', 'asc']],
    limit: OFFERS,
  };
}

export const MARKET_QUERY = { ...ALL, order: [['dph_total', 'asc']], limit: MARKET };

/** The cheapest offer of each kind of machine, by the name that a job says for it. */
export function pricesIn(found: readonly Offer[]): ReadonlyMap<string, { usdPerHour: number; gpus: number }> {
  const prices = new Map<string, { usdPerHour: number; gpus: number }>();
  for (const { gpu_name, num_gpus, dph_total } of found) {
    const name = num_gpus === 1 ? gpu_name : `${gpu_name}:${num_gpus}`;
    if (dph_total < (prices.get(name)?.usdPerHour ?? Infinity))
      prices.set(name, { usdPerHour: dph_total, gpus: num_gpus });
  }
  return prices;
}

/** What an offer is taken with. */
export function createOf(submission: Submission, config: VastConfig): Record<string, unknown> {
  const { command } = configOf(vastConfig, submission);
  const { image, env, secretEnv } = containerOf(submission, config.image);
  // The image's own entry point would take the rest for its arguments.
  const [, ...args] = withExitMark(command, submission.runKey);
  return {
    client_id: 'me',
    image,
    label: submission.runKey,
    disk: config.disk_gb,
    runtype: 'args',
    onstart: '/bin/sh',
    args,
    env: { ...env, ...secretEnv },
    target_state: 'running',
    // It would wait for a machine otherwise, for how long nobody knows.
    cancel_unavail: true,
  };
}

// The offer was taken by somebody else: the next search does not have it.
const TAKEN = new Set(['no_such_ask', 'no_such_offer', 'ask_unavailable', 'no_capacity']);
const refusalBody = z.looseObject({ error: z.string() });
const SEARCH_AGAIN_MS = 10_000;

/** What an answer that made nothing means. */
export function refusal(answer: HttpAnswer): ProviderFailure {
  const isTaken = answer.status === 404 || answer.status === 410 || TAKEN.has(errorIn(answer.text));
  if (isTaken && answer.status < 500)
    return new ProviderFailure('busy', 'the offer was taken by somebody else', SEARCH_AGAIN_MS);
  // Said as a success that is none, too.
  return answer.status < 300
    ? new ProviderFailure('refused', `answered ${answer.status}: ${answer.text}`)
    : failureOf(answer);
}

function errorIn(text: string): string {
  try {
    return refusalBody.safeParse(JSON.parse(text)).data?.error ?? '';
  } catch {
    return '';
  }
}
