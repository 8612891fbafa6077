import type { FailureCause } from '@lineclear/contracts';
import { z } from 'zod';
import type { RemoteState } from '../domain/run.js';
import type { Listed, Observation } from './adapter.js';
import { textOf } from './answers.js';
import { keyIn } from './job-input.js';

/** Its words for a state. `aborted`: the deadline came before the start. */
export const REPLICATE_STATES: Readonly<Record<string, RemoteState>> = {
  starting: 'starting',
  processing: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'cancelled',
  aborted: 'timed_out',
};

/** Its codes of errors that are not the model's own. */
const CAUSES: Readonly<Record<string, FailureCause>> = {
  E1001: 'oom',
  E1000: 'infrastructure',
  E6716: 'infrastructure',
  E8765: 'infrastructure',
  E9243: 'infrastructure',
  E9825: 'infrastructure',
};

export const TRAININGS = 'trainings/';

export const object = z.looseObject({
  id: z.string().min(1).max(180),
  status: z.string(),
  created_at: z.string().optional(),
  completed_at: z.string().nullish(),
  deadline: z.string().nullish(),
  data_removed: z.boolean().optional(),
  source: z.string().optional(),
  model: z.string().nullish(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  error: z.unknown().optional(),
  logs: z.string().nullish(),
  urls: z.looseObject({ get: z.string().optional() }).optional(),
});
export type RemoteObject = z.infer<typeof object>;
export const page = z.looseObject({ next: z.string().nullish(), results: z.array(object) });
export type Kind = 'predictions' | 'trainings';

export const externalIdOf = (kind: Kind, { id }: RemoteObject): string =>
  kind === 'trainings' ? TRAININGS + id : id;

export const pathOf = (externalId: string): string =>
  externalId.startsWith(TRAININGS)
    ? `/trainings/${encodeURIComponent(externalId.slice(TRAININGS.length))}`
    : `/predictions/${encodeURIComponent(externalId)}`;

export const keyOf = ({ input }: RemoteObject): string | undefined => keyIn(input);

/** Whether our key may have been on it, as far as anybody can say now. */
export const hasLostKey = (one: RemoteObject): boolean =>
  (one.data_removed === true || !one.input) && one.source !== 'web' && keyOf(one) === undefined;

export const isWithin = ({ created_at: at }: RemoteObject, from: string, to: string): boolean =>
  at === undefined || (Date.parse(at) >= Date.parse(from) && Date.parse(at) <= Date.parse(to));

export const isBefore = (one: RemoteObject | undefined, from: string): boolean =>
  Date.parse(one?.created_at ?? '') < Date.parse(from);

export function observationOf(one: RemoteObject): Observation {
  const state = stateOf(one);
  const message = state === 'failed' ? textOf(one.error) : undefined;
  const cause = CAUSES[/\bE\d{4}\b/.exec(message ?? '')?.[0] ?? ''];
  const endedAt = dateOf(one.completed_at);
  return {
    word: one.status.slice(0, 60),
    state,
    ...(message === undefined ? {} : { message }),
    ...(cause === undefined ? {} : { cause }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

function stateOf({ status, deadline, completed_at: end }: RemoteObject): RemoteState | undefined {
  const state = Object.hasOwn(REPLICATE_STATES, status) ? REPLICATE_STATES[status] : undefined;
  const [due, over] = [dateOf(deadline), dateOf(end)];
  // A deadline that comes while it runs is called a cancel.
  return state === 'cancelled' && due !== undefined && over !== undefined && over >= due
    ? 'timed_out'
    : state;
}

export function listedOf(kind: Kind, one: RemoteObject): Listed {
  const [runKey, createdAt] = [keyOf(one), dateOf(one.created_at)];
  return {
    externalId: externalIdOf(kind, one),
    seen: observationOf(one),
    ...(runKey === undefined ? {} : { runKey }),
    ...(typeof one.model === 'string' ? { title: one.model } : {}),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}

function dateOf(text: string | null | undefined): Date | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : new Date(ms);
}
