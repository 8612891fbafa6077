import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from './event-catalogue.js';
import { routesOf, wishesOf, type KnownChannel, type Preference } from './routes.js';
import { skipsOf } from './skips.js';

const wants = (given: Partial<Preference> = {}): Preference => ({
  eventType: 'job.completed',
  minSeverity: 'debug',
  isEnabled: true,
  recipients: [],
  ...given,
});
const hook = (preferences: Preference[], more: Partial<KnownChannel> = {}): KnownChannel => ({
  id: 1,
  type: 'webhook',
  isEnabled: true,
  preferences,
  ...more,
});
const skipped = (channels: KnownChannel[], type = 'job.completed', team?: number): string[] =>
  (skipsOf(channels, routesOf(wishesOf(channels, team)), team).get(type) ?? []).map(
    ({ channel_id, recipient, reason }) => [channel_id, recipient, reason].filter(Boolean).join(' '),
  );
const mail = (...preferences: Preference[]) => hook(preferences, { id: 2, type: 'email' });

describe('who is not told of an event', () => {
  it.each<[string, KnownChannel[], string[]]>([
    ['nobody, where all want it', [hook([wants()])], []],
    ['nobody, where there is nobody', [], []],
    ['who did not ask', [hook([])], ['1 no_preference']],
    ['who asked for others', [hook([wants({ eventType: 'approval.*' })])], ['1 no_preference']],
    ['whose channel is off', [hook([wants()], { isEnabled: false })], ['1 channel_disabled']],
    ['who did not ask, channel on or off', [hook([], { isEnabled: false })], ['1 no_preference']],
    ['whose wish is off', [hook([wants({ isEnabled: false })])], ['1 preference_disabled']],
    ['who wants more serious ones', [hook([wants({ minSeverity: 'error' })])], ['1 below_min_severity']],
    ['nobody, where one of two wishes fits', [hook([wants(), wants({ minSeverity: 'error' })])], []],
    ['who asked twice, the second time', [hook([wants(), wants({ eventType: '*' })])], ['1 duplicate']],
    ['who has no address', [mail(wants())], ['2 no_address']],
    [
      'whose address is in two wishes, the second time',
      [mail(wants({ recipients: ['a@b.cd', 'x@b.cd'] }), wants({ recipients: ['a@b.cd'] }))],
      ['2 a@b.cd duplicate'],
    ],
    [
      'each channel for its own reason',
      [hook([wants()]), hook([], { id: 3 }), hook([wants({ isEnabled: false })], { id: 4 })],
      ['3 no_preference', '4 preference_disabled'],
    ],
  ])('%s', (_, channels, expected) => {
    expect(skipped(channels)).toEqual(expected);
  });

  it.each<[string, Preference[], number | undefined, string[]]>([
    ['nobody, of the team that they asked for', [wants({ teamId: 5 })], 5, []],
    ['who asked for another team', [wants({ teamId: 5 })], 6, ['1 other_team']],
    ['who asked for a team, of what says none', [wants({ teamId: 5 })], undefined, ['1 other_team']],
    [
      'who asked for other events of the team',
      [wants({ teamId: 5, eventType: 'x' })],
      5,
      ['1 no_preference'],
    ],
    ['nobody who asked for all', [wants({ teamId: null })], 6, []],
    [
      'who asked for all and for the team, the second time',
      [wants(), wants({ teamId: 5 })],
      5,
      ['1 duplicate'],
    ],
    ['nobody who asked for all and for another team', [wants(), wants({ teamId: 5 })], 6, []],
    [
      'whose wish for the team is off',
      [wants({ teamId: 5, isEnabled: false })],
      5,
      ['1 preference_disabled'],
    ],
  ])('of a team: %s', (_, preferences, team, expected) => {
    expect(skipped([hook(preferences)], 'job.completed', team)).toEqual(expected);
  });

  it('is said of every event that can be chosen: each channel is told or skipped', () => {
    const channels = [
      hook([wants({ eventType: 'job.*', minSeverity: 'warning' })]),
      mail(wants()),
      hook([wants({ eventType: '*', teamId: 5 })], { id: 3 }),
    ];
    for (const team of [undefined, 5, 6])
      for (const type of EVENT_TYPES) {
        const routes = routesOf(wishesOf(channels, team)).get(type) ?? [];
        expect(routes.length + skipped(channels, type, team).length, type).toBe(3);
      }
  });
});
