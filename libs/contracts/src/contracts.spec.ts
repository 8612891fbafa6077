import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  EVENTS,
  FINAL_STATES,
  isFinal,
  JOB_MOVES,
  JOB_STATES,
  levelName,
  mayMove,
  PERMISSIONS,
  reaches,
  SAID_BY_ALL,
  SERVICES,
  SYSTEM_LEVEL_NAMES,
  SYSTEM_LEVELS,
  WIRING,
} from './index.js';

describe('permissions', () => {
  // The matrix as it is promised: viewer, researcher, lead, admin.
  it.each([
    ['job.submit', '.xxx'],
    ['job.view.own', 'xxxx'],
    ['job.view.all', '..xx'],
    ['job.cancel.own', '.xxx'],
    ['job.cancel.all', '...x'],
    ['job.priority.high', '..xx'],
    ['job.bypass.queue', '...x'],
    ['job.bypass.approval', '...x'],
    ['config.view', 'xxxx'],
    ['config.create', '.xxx'],
    ['config.edit.own', '.xxx'],
    ['config.edit.all', '...x'],
    ['admin.users', '...x'],
    ['admin.approve', '..xx'],
    ['admin.audit', '..xx'],
    ['admin.config', '...x'],
    ['queue.approve', '..xx'],
    ['queue.manage', '...x'],
    ['org.view', '..xx'],
    ['org.create', '...x'],
    ['team.view', '..xx'],
    ['team.create', '..xx'],
    ['team.manage.members', '..xx'],
  ] as const)('%s belongs to %s', (permission, row) => {
    const cells = SYSTEM_LEVEL_NAMES.map((level) =>
      SYSTEM_LEVELS[level].permissions.includes(permission) ? 'x' : '.',
    );
    expect(cells.join('')).toBe(row);
  });

  it('are listed once each, and there are no others', () => {
    expect(new Set(PERMISSIONS).size).toBe(PERMISSIONS.length);
    expect(PERMISSIONS).toHaveLength(23);
  });

  it('order levels by their number', () => {
    expect(SYSTEM_LEVEL_NAMES.map((level) => SYSTEM_LEVELS[level].priority)).toEqual([10, 20, 30, 100]);
    const lead = { level: 'lead', reaches: ['viewer', 'researcher', 'lead'] } as const;
    expect(SYSTEM_LEVEL_NAMES.filter((level) => reaches(lead, level))).toEqual(lead.reaches);
    expect(reaches({ level: 'admin', reaches: ['admin'] }, 'gone')).toBe(true);
  });
});

it.each([
  ['lead', true],
  ['senior_2-b', true],
  ['x'.repeat(40), true],
  ['x'.repeat(41), false],
  ['', false],
  ['2nd', false],
  ['Lead', false],
  ['lead\n', false],
])('%j as the name of a level: %s', (name, isOne) => {
  expect(levelName.safeParse(name).success).toBe(isOne);
});

describe('job states', () => {
  it('lead every job to an end, and never out of it', () => {
    for (const state of JOB_STATES) {
      const seen = new Set([state]);
      for (const at of seen) for (const next of JOB_MOVES[at]) seen.add(next);
      expect([...seen].some(isFinal), state).toBe(true);
      expect(mayMove(state, state)).toBe(false);
    }
    expect(JOB_STATES.filter(isFinal)).toEqual([...FINAL_STATES]);
  });

  it('let nothing run that was not queued and claimed', () => {
    expect(JOB_STATES.filter((from) => mayMove(from, 'running'))).toEqual(['dispatching']);
    expect(JOB_STATES.filter((from) => mayMove(from, 'dispatching'))).toEqual(['queued']);
  });
});

describe('the wiring', () => {
  const all = SERVICES.map((service) => WIRING[service]);

  it('has one publisher for each event and one answerer for each question', () => {
    const published = all.flatMap((wiring) => wiring.publishes);
    expect(new Set(published).size).toBe(published.length);
    const answered = all.flatMap((wiring) => wiring.answers);
    expect(new Set(answered).size).toBe(answered.length);
    for (const wiring of all) {
      for (const def of [...wiring.consumes, ...wiring.watches])
        expect(SAID_BY_ALL.includes(def) || published.includes(def), def.name).toBe(true);
      for (const def of wiring.asks) expect(answered, def.name).toContain(def);
    }
  });

  it('lets only those ask for secrets who act with them', () => {
    const askers = SERVICES.filter((service) =>
      WIRING[service].asks.some((def) => def.name === 'secrets.resolve'),
    );
    expect(askers).toEqual(['notifier', 'job-poller']);
  });

  it('lets only the mailer ask for what a mail decides by, and only who is told decisions from outside ask whose they are', () => {
    const askersOf = (question: string) =>
      SERVICES.filter((service) => WIRING[service].asks.some(({ name }) => name === question));
    expect(askersOf('approvals.reply_token')).toEqual(['notifier']);
    expect(askersOf('auth.decider')).toEqual(['approvals', 'notifier']);
    expect(askersOf('approvals.decide')).toEqual(['queue-scheduler', 'notifier']);
  });

  it('lets only who takes jobs in ask whether a text holds a secret', () => {
    expect(
      SERVICES.filter((service) => WIRING[service].asks.some(({ name }) => name === 'secrets.scan')),
    ).toEqual(['queue-scheduler']);
  });
});

describe('released events', () => {
  const samples = JSON.parse(
    readFileSync(new URL('../samples/released-events.json', import.meta.url), 'utf8'),
  ) as { type: string }[];

  it.each(samples.map((sample) => [sample.type, sample] as const))(
    '%s still parses, with nothing lost',
    (type, sample) => {
      expect(EVENTS.get(type)?.schema.parse(sample)).toEqual(sample);
    },
  );

  it('are all kept as samples', () => {
    expect(samples.map((sample) => sample.type).sort()).toEqual([...EVENTS.keys()].sort());
  });

  it('may be given fields that are not known yet', () => {
    const sample = samples[0]!;
    expect(EVENTS.get(sample.type)?.schema.safeParse({ ...sample, newer: 1 }).success).toBe(true);
  });
});
