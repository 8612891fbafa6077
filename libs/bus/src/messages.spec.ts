import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventsIn } from '@lineclear/contracts';
import { MAX_PACKED, pack, type WrittenEvent } from './messages.js';

const written = (n: number, subject: string, about: string, size = 0): WrittenEvent => ({
  id: `id-${n}`,
  subject,
  about,
  body: JSON.stringify({ n, subject, about, fill: 'x'.repeat(size) }),
});
interface Read {
  readonly n: number;
  readonly subject: string;
  readonly about: string;
}
const read = (events: readonly WrittenEvent[]): Read[] =>
  pack(events).flatMap(({ body }) => eventsIn(body) as Read[]);

it('leaves a single event as it is', () => {
  const event = written(1, 'a', 'x');
  expect(pack([event])).toEqual([{ id: 'id-1', subject: 'a', body: event.body }]);
});

it('puts the same step of many jobs into one message per kind', () => {
  const events = Array.from({ length: 10 }, (_, n) =>
    ['submitted', 'queued'].map((s) => written(n, s, `job/${n}`)),
  ).flat();
  expect(pack(events).map(({ subject, body }) => [subject, eventsIn(body).length])).toEqual([
    ['submitted', 10],
    ['queued', 10],
  ]);
});

it('opens another message where the order of one job asks for it', () => {
  const events = ['a', 'b', 'a', 'b'].map((subject, n) => written(n, subject, 'job/1'));
  expect(pack(events).map(({ subject }) => subject)).toEqual(['a', 'b', 'a', 'b']);
});

const anyEvents = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom('1', '2', '3', '4'),
      fc.constantFrom(0, 50, 3_000, 9_000),
    ),
    { maxLength: 300 },
  )
  .map((list) => list.map(([subject, about, size], n) => written(n, subject, about, size)));

it('loses none, keeps each aggregate in order and kinds apart, and keeps to its bounds', () => {
  fc.assert(
    fc.property(anyEvents, (events) => {
      const got = read(events);
      expect(got.map(({ n }) => n).sort((a, b) => a - b)).toEqual(events.map((_, n) => n));
      for (const about of ['1', '2', '3', '4']) {
        const order = got.filter((one) => one.about === about).map(({ n }) => n);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
      for (const { subject, body } of pack(events)) {
        const inside = eventsIn(body) as Read[];
        expect(inside.every((one) => one.subject === subject)).toBe(true);
        expect(inside.length).toBeLessThanOrEqual(MAX_PACKED);
        if (inside.length > 1) expect(Buffer.byteLength(body)).toBeLessThan(8_000);
      }
    }),
  );
});
