import { WIRING } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, EVENT_TYPES, typesOf } from './event-catalogue.js';
import { routesOf, type Wish } from './routes.js';

const wish = (given: Partial<Wish>): Wish => ({
  eventType: 'job.completed',
  minSeverity: 'debug',
  channelId: 1,
  channelType: 'webhook',
  recipients: [],
  ...given,
});
const goesTo = (wishes: Wish[], type: string): string[] =>
  (routesOf(wishes).get(type) ?? []).map(({ channelId, recipient }) => `${channelId}:${recipient}`);

describe('the catalogue', () => {
  it('has exactly the events that are consumed', () => {
    expect(Object.keys(CATALOGUE).sort()).toEqual(WIRING.notifier.consumes.map((def) => def.name).sort());
  });

  it('puts each event into the category of its name', () => {
    for (const [type, { category }] of Object.entries(CATALOGUE)) expect(type.split('.')[0]).toBe(category);
  });

  it.each([
    ['*', EVENT_TYPES.length],
    ['job.*', 6],
    ['approval.*', 11],
    ['job.failed', 1],
    ['job', 0],
    ['job.', 0],
    ['quota.*', 2],
    ['cost.*', 2],
    ['auth.*', 2],
    ['auth.password_reset_requested', 0],
    ['auth.password_changed', 0],
    ['.*', 0],
    ['', 0],
    ['job.nothing', 0],
    ['**', 0],
  ])('%j stands for %i of them', (pattern, count) => {
    expect(typesOf(pattern)).toHaveLength(count);
  });
});

describe('routes', () => {
  it.each<[string, Partial<Wish>[], string, string[]]>([
    ['one by name', [{}], 'job.completed', ['1:']],
    ['none for another event', [{}], 'job.failed', []],
    ['all of a category', [{ eventType: 'job.*' }], 'job.failed', ['1:']],
    ['not of another category', [{ eventType: 'job.*' }], 'approval.required', []],
    ['everything', [{ eventType: '*' }], 'system.dead_letter', ['1:']],
    ['severe enough', [{ eventType: '*', minSeverity: 'error' }], 'job.failed', ['1:']],
    ['not severe enough', [{ eventType: '*', minSeverity: 'error' }], 'job.completed', []],
    ['once for two wishes', [{}, { eventType: '*' }], 'job.completed', ['1:']],
    ['two channels', [{}, { channelId: 2 }], 'job.completed', ['1:', '2:']],
    [
      'each recipient once',
      [
        { channelType: 'email', recipients: ['a@x.y', 'b@x.y'] },
        { channelType: 'email', eventType: 'job.*', recipients: ['b@x.y'] },
      ],
      'job.completed',
      ['1:a@x.y', '1:b@x.y'],
    ],
    ['no recipients, no mail', [{ channelType: 'email' }], 'job.completed', []],
    ['no wishes', [], 'job.completed', []],
  ])('%s', (_, wishes, type, expected) => {
    expect(goesTo(wishes.map(wish), type)).toEqual(expected);
  });
});
