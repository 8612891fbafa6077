import { z } from 'zod';

/** Who pressed or wrote something in Slack: known by ids, never by a name. */
export interface SlackPerson {
  readonly teamId: string;
  readonly slackUserId: string;
  readonly name: string;
}

/** What a message asks for: a word on a request, on the stage and in the round that it was in then. */
export interface Asked {
  readonly approvalId: string;
  /** Both from 1; not there in messages from before they were told. */
  readonly step?: { readonly stage: number; readonly round: number } | undefined;
}

export type Interaction =
  | {
      readonly kind: 'press';
      readonly action: 'approve' | 'reject';
      readonly asked: Asked;
      readonly triggerId: string;
      readonly who: SlackPerson;
    }
  | {
      readonly kind: 'reason';
      readonly asked: Asked;
      readonly reason: string;
      readonly who: SlackPerson;
    }
  /** Nothing for us to do. */
  | { readonly kind: 'other' };

export const APPROVE = 'approve';
export const REJECT = 'reject';
export const REASON = 'reason';
export const MAX_REASON = 2_000;

const id = z.string().min(1).max(60);
const who = {
  user: z.object({ id, name: z.string().max(200).optional(), team_id: id.optional() }),
  team: z.object({ id }).nullish(),
};
const blockActions = z.object({
  type: z.literal('block_actions'),
  ...who,
  trigger_id: z.string().min(1).max(300),
  actions: z
    .array(z.object({ action_id: z.string().max(300), value: z.string().max(2_000).optional() }))
    .min(1),
});
const viewSubmission = z.object({
  type: z.literal('view_submission'),
  ...who,
  view: z.object({
    callback_id: z.string().max(300),
    private_metadata: z.string().max(3_000),
    state: z.object({
      values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullish() }))),
    }),
  }),
});
const interaction = z.union([blockActions, viewSubmission, z.object({ type: z.string() })]);

/** What the form field `payload` says; undefined when that is nothing of Slack's. */
export function readInteraction(payload: string): Interaction | undefined {
  const parsed = interaction.safeParse(jsonOf(payload));
  if (!parsed.success) return undefined;
  const { data } = parsed;
  if ('actions' in data) {
    const [{ action_id: action, value } = { action_id: '' }] = data.actions;
    const asked = readAsked(value);
    if ((action !== APPROVE && action !== REJECT) || !asked) return { kind: 'other' };
    return { kind: 'press', action, asked, triggerId: data.trigger_id, who: personOf(data) };
  }
  if ('view' in data) {
    const { callback_id, private_metadata, state } = data.view;
    const asked = readAsked(private_metadata);
    if (callback_id !== REJECT || !asked) return { kind: 'other' };
    const reason = state.values[REASON]?.[REASON]?.value?.trim().slice(0, MAX_REASON) ?? '';
    return { kind: 'reason', asked, reason, who: personOf(data) };
  }
  return { kind: 'other' };
}

/** As a button or a window carries it. */
export const askedText = ({ approvalId, step }: Asked): string =>
  step === undefined ? approvalId : `${approvalId} ${step.stage} ${step.round}`;

function readAsked(text = ''): Asked | undefined {
  const [, approvalId, stage, round] = /^(\S{36})(?: ([1-9]\d{0,5}) ([1-9]\d{0,5}))?$/.exec(text) ?? [];
  if (approvalId === undefined || !z.uuid().safeParse(approvalId).success) return undefined;
  return { approvalId, ...(stage && round && { step: { stage: Number(stage), round: Number(round) } }) };
}

const personOf = ({ user, team }: z.infer<typeof blockActions | typeof viewSubmission>): SlackPerson => ({
  teamId: team?.id ?? user.team_id ?? '',
  slackUserId: user.id,
  name: user.name ?? user.id,
});

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
