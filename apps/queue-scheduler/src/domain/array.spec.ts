import { describe, expect, it } from 'vitest';
import { filled, namesIn, pointsOf } from './array.js';

describe('the tasks of an array', () => {
  it('are every combination, the last parameter fastest', () => {
    expect(pointsOf({ lr: [1e-4, 1e-5], rank: [8, 16] })).toEqual([
      { lr: 1e-4, rank: 8 },
      { lr: 1e-4, rank: 16 },
      { lr: 1e-5, rank: 8 },
      { lr: 1e-5, rank: 16 },
    ]);
  });
});

describe('a template', () => {
  const point = { lr: 0.001, name: 'a "b"', fast: true };

  it.each<[unknown, unknown]>([
    ['{{lr}}', 0.001],
    ['{{fast}}', true],
    ['--lr={{lr}}', '--lr=0.001'],
    ['{{lr}}/{{name}}', '0.001/a "b"'],
    ['{{other}}', '{{other}}'],
    ['{lr}', '{lr}'],
    [
      ['{{lr}}', { deep: '{{name}}' }],
      [0.001, { deep: 'a "b"' }],
    ],
    [null, null],
    [7, 7],
    ['{{toString}}', '{{toString}}'],
  ])('%j becomes %j', (template, result) => {
    expect(filled(template, point)).toEqual(result);
  });

  it('is not searched for what was filled in', () => {
    expect(filled('{{a}}', { a: '{{b}}', b: 1 })).toBe('{{b}}');
  });

  it('tells which names it asks for', () => {
    expect([...namesIn({ a: '{{lr}}', b: ['x{{rank}}y', 1], c: '{no}' })]).toEqual(['lr', 'rank']);
  });
});
