import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  chained,
  faultsOf,
  faultsOfEnd,
  faultsOfHead,
  GENESIS,
  isSigned,
  signed,
  type AuditEntry,
  type AuditRow,
} from './audit-chain.js';

const macWith = (key: string) => (text: string) => createHmac('sha256', key).update(text).digest('hex');
const mac = macWith('a');

const word = fc.string({ maxLength: 12 });
const optionalWord = fc.option(word, { nil: null });
const optionalId = fc.option(fc.nat(), { nil: null });
const entry: fc.Arbitrary<AuditEntry> = fc.record({
  event_id: fc.uuid(),
  at: fc.constant('2026-11-24T12:00:00.000000Z'),
  service: word,
  action: word,
  outcome: word,
  by: word,
  user_id: optionalId,
  username: optionalWord,
  via: optionalWord,
  credential_id: optionalId,
  address: optionalWord,
  request_id: optionalWord,
  target: optionalWord,
  details: fc.json().map((text) => canonicalJson({ text })),
  count: fc.nat(),
});
const chain = fc
  .array(entry, { minLength: 1, maxLength: 20 })
  .map((entries) => chained(entries, GENESIS, mac));
/** A chain, and the place of one of its rows. */
const chainAt = chain.chain((rows) => fc.tuple(fc.constant(rows), fc.nat({ max: rows.length - 1 })));
// prettier-ignore
const COLUMNS = [
  'seq', 'event_id', 'at', 'service', 'action', 'outcome', 'by', 'user_id', 'username', 'via', 'credential_id',
  'address', 'request_id', 'target', 'details', 'count', 'previous_mac', 'mac',
] as const satisfies readonly (keyof AuditRow)[];

const broken = (rows: readonly AuditRow[]) => faultsOf(rows, GENESIS, mac).faults;
const endOf = (rows: readonly AuditRow[]) => ({
  seq: rows.at(-1)?.seq ?? 0,
  mac: rows.at(-1)?.mac ?? GENESIS.mac,
});
const changedValue = (value: string | number | null): string | number | null =>
  typeof value === 'number' ? value + 1 : value === null ? '' : value === '' ? null : flip(value);
const flip = (text: string): string => String.fromCharCode(text.charCodeAt(0) ^ 1) + text.slice(1);

describe('the chain', () => {
  it('is valid as it was made, in one piece or in several', () => {
    fc.assert(
      fc.property(chainAt, ([rows, at]) => {
        expect(broken(rows)).toEqual([]);
        const first = faultsOf(rows.slice(0, at), GENESIS, mac);
        expect(faultsOf(rows.slice(at), first.last, mac)).toEqual({ faults: [], last: endOf(rows) });
      }),
    );
  });

  it('goes on from where it ended', () => {
    fc.assert(
      fc.property(chain, fc.array(entry), (rows, more) => {
        expect(broken([...rows, ...chained(more, endOf(rows), mac)])).toEqual([]);
      }),
    );
  });

  it.each(COLUMNS)('shows where %s was changed', (column) => {
    fc.assert(
      fc.property(chainAt, ([rows, at]) => {
        const row = rows[at]!;
        const changed = { ...row, [column]: changedValue(row[column]) };
        expect(broken(rows.with(at, changed)).map(({ seq }) => seq)).toContain(changed.seq);
      }),
    );
  });

  it('shows where a row is missing', () => {
    fc.assert(
      fc.property(chainAt, ([rows, at]) => {
        const left = rows.toSpliced(at, 1);
        const faults = [...broken(left), ...faultsOfHead(endOf(left), endOf(rows))];
        expect(faults[0]).toEqual({ seq: at + 1, what: 'is missing' });
      }),
    );
  });

  it('shows which rows changed places', () => {
    fc.assert(
      fc.property(chainAt, fc.nat(), ([rows, at], other) => {
        const to = other % rows.length;
        if (to === at) return;
        const [a, b] = [rows[at]!, rows[to]!];
        const swapped = rows.with(at, { ...b, seq: a.seq }).with(to, { ...a, seq: b.seq });
        const seqs = broken(swapped).map(({ seq }) => seq);
        expect(seqs).toContain(a.seq);
        expect(seqs).toContain(b.seq);
        expect(broken(rows.with(at, b).with(to, a))).not.toEqual([]);
      }),
    );
  });

  it('shows a row that was put in, with or without room made for it', () => {
    fc.assert(
      fc.property(chainAt, entry, ([rows, at], more) => {
        const forged = chained([more], { seq: at, mac: rows[at]!.previous_mac }, macWith('b'))[0]!;
        expect(broken(rows.toSpliced(at, 0, forged)).map(({ seq }) => seq)).toContain(at + 1);
        const moved = rows.slice(at).map((row) => ({ ...row, seq: row.seq + 1 }));
        expect(broken([...rows.slice(0, at), forged, ...moved])[0]?.seq).toBe(at + 1);
      }),
    );
  });

  it('shows a tail that was cut off, by the head that was signed', () => {
    fc.assert(
      fc.property(chainAt, ([rows, at]) => {
        const head = signed(endOf(rows), 'now', mac);
        expect(faultsOfEnd(endOf(rows), head, mac)).toEqual([]);
        const cut = rows.slice(0, at);
        expect(faultsOfEnd(endOf(cut), head, mac)[0]?.seq).toBe(at + 1);
        // A head of what is left cannot be signed without the key.
        const forged = signed(endOf(cut), 'now', macWith('b'));
        expect(faultsOfEnd(endOf(cut), forged, mac)).not.toEqual([]);
        expect(faultsOfEnd(endOf(rows), undefined, mac)).not.toEqual([]);
      }),
    );
  });

  it('shows what came behind the end', () => {
    fc.assert(
      fc.property(chain, chain, (rows, more) => {
        const head = signed(endOf(rows), 'now', mac);
        const longer = [...rows, ...chained(more, endOf(rows), mac)];
        expect(faultsOfEnd(endOf(longer), head, mac)[0]?.seq).toBe(rows.length + 1);
      }),
    );
  });
});

it.each(['seq', 'mac', 'at', 'signature'] as const)('a signature is over %s', (field) => {
  const link = signed({ seq: 3, mac: 'ab' }, 'now', mac);
  expect(isSigned(link, mac)).toBe(true);
  expect(isSigned({ ...link, [field]: changedValue(link[field]) }, mac)).toBe(false);
});

describe('canonical JSON', () => {
  // The examples of RFC 8785.
  it.each([
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [{ 1e1: 'x', 2: 'y' }, '{"10":"x","2":"y"}'],
    [
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}',
    ],
    [[333333333.3333333, 1e30, 4.5, 2e-3, 1e-27], '[333333333.3333333,1e+30,4.5,0.002,1e-27]'],
    [{ a: undefined, b: null, c: [{ z: true, y: false }] }, '{"b":null,"c":[{"y":false,"z":true}]}'],
  ])('%j', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('is the same text for the same value, whatever the order', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed());
        expect(canonicalJson(turned)).toBe(canonicalJson(value));
      }),
    );
  });
});
