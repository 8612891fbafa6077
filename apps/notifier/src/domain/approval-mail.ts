import type { approvalReminder, approvalRequired, EventData, replyHandled } from '@lineclear/contracts';
import { kindOf } from './event-catalogue.js';
import { preheaderOf, subjectOf, type Mail } from './mail.js';
import { mailHtml } from './mail-template.js';
import { oneLine } from './telling.js';

type Required = EventData<typeof approvalRequired> &
  Partial<Pick<EventData<typeof approvalReminder>, 'number'>>;
type Handled = EventData<typeof replyHandled>;

/** How people name a request to each other; what tells requests apart are their ids. */
export const referenceOf = (approvalId: string): string => `LC-${approvalId.replaceAll('-', '').slice(-6)}`;

/** How one person decides by one mail. */
export interface Ways {
  /** An answer to it is theirs alone; without it nobody reads answers. */
  readonly replyTo?: string;
  /** What is behind it shows and decides for them. */
  readonly link: string;
}

const ON_TOP: readonly string[] = ['Asked by', 'Estimated cost'];
const ABOVE = 'Reply APPROVE or REJECT above this line';
const BY_ANSWER =
  'Or answer this mail: APPROVE or REJECT alone on the first line, and a comment behind a comma if you like.';

/** For whoever may decide: what is asked, and how to answer. */
export function approvalMail(about: Required, publicUrl: string, { replyTo, link }: Ways): Mail {
  const request = `${publicUrl.replace(/\/$/, '')}/api/approvals/requests/${about.approval_id}`;
  const who = oneLine(about.username);
  const cost = `$${about.estimated_cost_usd.toFixed(2)}`;
  const levels = [about.required_level, ...(about.also_levels ?? [])].join(' and ');
  const rows: readonly (readonly [string, string])[] = [
    ['Asked by', who],
    ['Config', oneLine(about.config_name)],
    ['Hardware', `${oneLine(about.hardware)} (${about.provider})`],
    ['Estimated cost', cost],
    ['Rule', oneLine(about.rule_name)],
    ['Why', oneLine(about.reason)],
    ['Level', levels],
    ...stageRow(about),
    ['Waits until', about.expires_at],
    ['Job', about.job_id],
  ];
  const ask = `${who} asks for your approval of a job. It does not run before somebody decides.`;
  const overHttp = `POST ${request}/approve, or ${request}/reject with {"reason"}.`;
  const once = 'Either counts as your word, once and for a day at most: do not forward this mail.';
  const inBrowser = `${replyTo === undefined ? 'Look' : 'Or look'} at it and decide in a browser: `;
  const how = [
    ...(replyTo === undefined
      ? []
      : ['Answer this mail with one word on the first line, and a comment behind a comma if you like.']),
    inBrowser + link,
    once,
    `Over HTTP: ${overHttp}`,
  ];
  const head = replyTo === undefined ? [] : [ABOVE];
  const text = [
    ...head.flatMap((line) => [line, '']),
    ask,
    '',
    ...rows.map(([name, value]) => `${name}: ${value}`),
    '',
    ...how,
    '',
  ].join('\n');
  return {
    subject: subjectOf(
      `[${referenceOf(about.approval_id)}] ${about.number === undefined ? '' : 'Reminder: '}${who} asks for approval: ${oneLine(about.config_name)} (${cost})`,
    ),
    text,
    html: mailHtml({
      title: `A job waits for approval: ${oneLine(about.config_name)}`,
      // Begins with no verb: a program that quotes this mail may show it.
      preheader: preheaderOf(`Why: ${oneLine(about.reason)}. Waits until ${about.expires_at}.`),
      severity: 'warning',
      bar: about.number === undefined ? 'Waits for your decision' : 'Still waits for your decision',
      ...(replyTo !== undefined && { above: ABOVE }),
      parts: [
        { kind: 'figures', rows: rows.filter(([name]) => ON_TOP.includes(name)) },
        { kind: 'paragraph', text: ask },
        { kind: 'button', label: 'Look at it and decide', url: link },
        ...(replyTo === undefined ? [] : [{ kind: 'paragraph', text: BY_ANSWER } as const]),
        { kind: 'rows', rows: rows.filter(([name]) => !ON_TOP.includes(name)) },
        { kind: 'note', text: once },
        { kind: 'note', text: `Over HTTP: ${overHttp}` },
      ],
    }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

/** Where it takes more than one word: which stage it is, and how many it takes. */
function stageRow({ stages = [], stage = 1, rejections = 1 }: Required): [string, string][] {
  const now = stages[stage - 1];
  if (!now) return [];
  const name = now.name === undefined ? '' : ` (${oneLine(now.name)})`;
  const people = `takes ${now.approvals} ${now.approvals === 1 ? 'approval' : 'approvals'}`;
  const no = rejections === 1 ? '' : `, or ${rejections} rejections to end it`;
  return [['Stage', `${stage} of ${stages.length}${name}: ${people}${no}`]];
}

/** For whoever answered such a mail: what became of it. Who was not asked is not told about what. */
export function replyAnswerMail({ approval_id, outcome, message }: Handled): Mail {
  const about =
    approval_id === undefined || outcome === 'not_the_approver' ? undefined : referenceOf(approval_id);
  const title = `Your answer: ${outcome.replaceAll('_', ' ')}`;
  return {
    subject: subjectOf(`[${about ?? 'Lineclear'}] ${title}`),
    text: `${message}\n`,
    html: mailHtml({
      title,
      preheader: preheaderOf(message),
      severity: kindOf('approval.reply_handled').severity,
      parts: [{ kind: 'paragraph', text: message }],
    }),
    isAnswer: true,
  };
}
