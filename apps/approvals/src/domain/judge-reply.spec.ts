import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApprovalRequest, RequestStatus } from './approval-request.js';
import type { Answerer, Asked } from './judge-asked.js';
import { judgeReply, toldOfWord, type Reply } from './judge-reply.js';

const NOW = new Date('2026-11-28T12:00:00Z');
const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1_000);
const reply: Reply = {
  mail_id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e11',
  token_sha256: 'a'.repeat(64),
  from: 'lea@lineclear.test',
  sender: 'dmarc',
  verdict: 'approve',
};
const request: ApprovalRequest = {
  id: '0190f3c2-a1b2-7c3d-8e4f-5a6b7c8d9e22',
  jobId: `job_${'a'.repeat(32)}`,
  userId: 1,
  orgId: null,
  teamId: null,
  username: 'ada',
  provider: 'local',
  configName: 'tiny',
  hardware: 'gpu',
  estimatedCostUsd: 9,
  ruleId: 1,
  ruleName: 'high_cost',
  reason: 'dear',
  stages: [{ approvals: 1, levels: ['lead'] }],
  rejections: 1,
  stage: 0,
  round: 1,
  awaits: 'approvers',
  status: 'pending',
  createdAt: at(-60),
  askedAt: at(-60),
  escalations: 0,
  expiresAt: at(60),
  reviewedBy: null,
  reviewedById: null,
  reviewedAt: null,
  reviewNotes: null,
  decidedVia: null,
  bypassReview: null,
  traceparent: null,
};
const who: Answerer = {
  userId: 2,
  username: 'lea',
  email: 'lea@lineclear.test',
  level: 'lead',
  reaches: ['viewer', 'researcher', 'lead'],
  teamIds: [],
  inPlaceOf: [],
  isFallback: false,
  mayDecide: true,
};
const token = {
  requestId: request.id,
  userId: 2,
  asked: { stage: 1, round: 1 },
  expiresAt: at(60),
  spentAt: null,
};
const asked: Asked = { token, request, voted: [], who };

const judged = (more: Partial<Reply> = {}, of: Asked | undefined = asked) =>
  judgeReply({ ...reply, ...more }, of, NOW);

describe('what an answer comes to', () => {
  const closed = (status: RequestStatus): Asked => ({
    ...asked,
    request: { ...request, status, reviewedBy: 'root' },
  });
  const spent: Asked = { ...asked, token: { ...token, spentAt: at(-1) } };
  const late: Asked = { ...asked, token: { ...token, expiresAt: NOW } };
  const own: Asked = { ...asked, request: { ...request, userId: 2 } };
  const ofLevels = (...levels: string[]): Asked => ({
    ...asked,
    request: { ...request, stages: [{ approvals: 1, levels }] },
  });
  const higher = ofLevels('admin');
  const many = ofLevels('lead', ...Array.from({ length: 100 }, (_, n) => `level_${n}`));
  const ofTeam: Asked = {
    ...asked,
    request: { ...request, stages: [{ approvals: 1, levels: ['lead'], team_id: 4 }] },
  };
  const inTeam: Asked = { ...ofTeam, who: { ...who, teamIds: [4] } };
  const nextRound: Asked = { ...asked, request: { ...request, round: 2 } };
  const stages = [1, 2].map(() => ({ approvals: 1, levels: ['lead'] }));
  const nextStage: Asked = { ...asked, request: { ...request, stages, stage: 1 } };
  const sentBack: Asked = { ...asked, request: { ...request, awaits: 'requester' } };
  const twice: Asked = { ...asked, voted: [2] };
  const elsewhere: Asked = { ...asked, who: { ...who, mayDecide: false } };
  const over: Asked = { ...asked, request: { ...request, expiresAt: NOW } };

  it.each([
    ['an approval', {}, asked, 'approved'],
    ['a rejection', { verdict: 'reject' }, asked, 'rejected'],
    ['one that is not understood', { verdict: 'unclear' }, asked, 'unclear'],
    ['one by a relay that is trusted', { sender: 'trusted_relay' }, asked, 'approved'],
    ['one by nobody provable', { sender: 'unproven' }, asked, 'unproven'],
    ['one by nobody provable with a token that is over', { sender: 'unproven' }, spent, 'unproven'],
    ['one in other letter case', { from: 'LEA@Lineclear.Test' }, asked, 'approved'],
    ['one from elsewhere', { from: 'eve@lineclear.test' }, asked, 'not_the_approver'],
    [
      'one from elsewhere with a token that is over',
      { from: 'eve@lineclear.test' },
      spent,
      'not_the_approver',
    ],
    ['one from another domain', { from: 'lea@evil.test' }, asked, 'not_the_approver'],
    // The sign of the kelvin is a k in lower case, and another letter.
    [
      'one from an address that only looks alike',
      { from: 'li\u212Ae@lineclear.test' },
      { ...asked, who: { ...who, email: 'like@lineclear.test' } },
      'not_the_approver',
    ],
    ['one of somebody who is gone', {}, { ...asked, who: null }, 'not_the_approver'],
    ['a second one', {}, spent, 'token_spent'],
    ['a late one', {}, late, 'token_spent'],
    ['one of who may not decide any more', {}, elsewhere, 'not_allowed'],
    ['one to their own request', {}, own, 'not_allowed'],
    ['one of too low a level', {}, higher, 'not_allowed'],
    ['one of too low a level among many', {}, many, 'not_allowed'],
    ['one of another team', {}, ofTeam, 'not_allowed'],
    ['one of the team', {}, inTeam, 'approved'],
    ['one to a mail of an earlier round', {}, nextRound, 'token_spent'],
    ['one to a mail of an earlier stage', {}, nextStage, 'token_spent'],
    ['one to what the requester is to change', {}, sentBack, 'closed'],
    ['one of who decided already, elsewhere', {}, twice, 'not_allowed'],
    ['one to what was approved', {}, closed('approved'), 'closed'],
    ['one to what was withdrawn', { verdict: 'reject' }, closed('cancelled'), 'closed'],
    ['one to what is expired', {}, over, 'closed'],
    ['one that is not understood to what was decided', { verdict: 'unclear' }, closed('rejected'), 'closed'],
  ] as const)('%s', (_, more, of, outcome) => {
    const one = judged(more, of);
    expect(one.outcome).toBe(outcome);
    const message = 'message' in one ? one.message : '';
    expect(message.length).toBeLessThanOrEqual(500);
    if (['unproven', 'not_the_approver'].includes(outcome)) expect(message).not.toMatch(/tiny|ada|root|lea/);
  });

  it('is nothing where nobody was asked', () => {
    expect(judgeReply(reply, undefined, NOW).outcome).toBe('token_unknown');
  });

  it('keeps what was written beside it, and a rejection has a reason', () => {
    expect(judged({ comment: 'go' })).toMatchObject({ notes: 'go' });
    expect(judged()).toMatchObject({ notes: null });
    expect(judged({ verdict: 'reject', comment: 'too dear' })).toMatchObject({ notes: 'too dear' });
    expect(judged({ verdict: 'reject' })).toMatchObject({ notes: 'rejected by mail' });
    expect(judged({ verdict: 'reject', comment: ' \u0000 ' })).toMatchObject({ notes: 'rejected by mail' });
    expect(judged({ comment: 'go\u0000 on' })).toMatchObject({ notes: 'go on' });
  });

  it('says what was not understood, as much of it as fits', () => {
    expect(judged({ verdict: 'unclear', why: 'an approval does not go with "but"' })).toMatchObject({
      message: expect.stringContaining('(an approval does not go with "but")'),
    });
    const long = judged({ verdict: 'unclear', why: 'x'.repeat(2_000) });
    expect('message' in long && long.message.length).toBeLessThanOrEqual(500);
  });

  it.each([
    ['approved', 'approved', 'approved', 'You approved the job tiny of ada: it goes on to the queue.'],
    ['rejected', 'rejected', 'rejected', 'You rejected the job tiny of ada: it is cancelled.'],
    ['approved', 'pending', 'counted', expect.stringContaining('That counts, and more people are needed')],
  ] as const)('is told once it counted: %s, and %s after it', (word, status, outcome, message) => {
    expect(toldOfWord(word, { ...request, status })).toEqual({ outcome, message });
  });
});

it('decides no request twice, and by nobody else than who was asked, whatever comes in whatever order', () => {
  const people: readonly Answerer[] = [
    who,
    { ...who, userId: 3, username: 'max', email: 'max@lineclear.test' },
    {
      ...who,
      userId: 4,
      username: 'low',
      email: 'low@lineclear.test',
      level: 'researcher',
      reaches: ['viewer'],
    },
    { ...who, userId: 1, username: 'ada', email: 'ada@lineclear.test' },
  ];
  const step = fc.record({
    /** The token whose mail is answered: two of each person. */
    mail: fc.nat(2 * people.length - 1),
    from: fc.nat(people.length - 1),
    sender: fc.constantFrom('dmarc' as const, 'trusted_relay' as const, 'unproven' as const),
    verdict: fc.constantFrom('approve' as const, 'reject' as const, 'unclear' as const),
    seconds: fc.nat(10),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (steps, approvals) => {
      const tokens = people.flatMap(({ userId }) => [
        { ...token, userId, spentAt: null as Date | null },
        { ...token, userId, spentAt: null as Date | null },
      ]);
      const voted: number[] = [];
      let [now, held, decisions] = [
        at(0),
        { ...request, stages: [{ approvals, levels: ['lead'] }] } as ApprovalRequest,
        0,
      ];
      for (const { mail, from, sender, verdict, seconds } of steps) {
        now = new Date(now.getTime() + seconds * 1_000);
        const owner = people[Math.floor(mail / 2)]!;
        const given = { ...reply, sender, verdict, from: people[from]!.email };
        const one = judgeReply(given, { token: tokens[mail]!, request: held, voted, who: owner }, now);
        if (one.outcome !== 'approved' && one.outcome !== 'rejected') continue;
        expect(voted).not.toContain(owner.userId);
        voted.push(owner.userId);
        expect(given.from).toBe(owner.email);
        expect(sender).not.toBe('unproven');
        expect([2, 3]).toContain(owner.userId);
        expect(now.getTime()).toBeLessThan(request.expiresAt.getTime());
        expect(one.outcome).toBe(verdict === 'approve' ? 'approved' : 'rejected');
        tokens[mail]!.spentAt = now;
        if (one.outcome === 'approved' && voted.length < approvals) continue;
        decisions += 1;
        held = { ...held, status: one.outcome, reviewedBy: owner.username };
      }
      expect(decisions).toBeLessThanOrEqual(1);
    }),
  );
});
