import fc from 'fast-check';
import { expect, it } from 'vitest';
import { at, fillBody, fillPath } from './template.js';

it.each([
  ['/runs/{external_id}/cancel', { external_id: 'a/b?c' }, '/runs/a%2Fb%3Fc/cancel'],
  ['/runs?key={run_key}', { run_key: 'lc-1-a1' }, '/runs?key=lc-1-a1'],
  ['/{unknown}', { run_key: 'x' }, '/{unknown}'],
])('fills the path %s', (path, fields, expected) => {
  expect(fillPath(path, fields)).toBe(expected);
});

it('fills a body: whole values with their type, parts as text, absent ones not at all', () => {
  const template = {
    name: '{run_key}',
    input: '{config}',
    n: [1, '{attempt}'],
    title: 'run {run_key} on {hardware}',
    limit: '{max}',
    keep: null,
    odd: '{other}',
  };
  const fields = { run_key: 'k', config: { a: [true] }, attempt: 2, hardware: 'gpu', max: undefined };
  expect(fillBody(template, fields)).toEqual({
    name: 'k',
    input: { a: [true] },
    n: [1, 2],
    title: 'run k on gpu',
    keep: null,
    odd: '{other}',
  });
});

it('does not look for placeholders in what it fills in', () => {
  const env = { TOKEN: 'value' };
  expect(
    fillBody(
      { input: '{config}', text: 'x {run_key}' },
      { config: { evil: '{env}' }, run_key: '{env}', env },
    ),
  ).toEqual({ input: { evil: '{env}' }, text: 'x {env}' });
});

it('a filled value stays one part of the path', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (id) => {
      expect(fillPath('/runs/{id}/x', { id }).split('/')).toHaveLength(4);
    }),
  );
});

it.each([
  ['/id', 'r1'],
  ['/items/0/id', 7],
  ['/a~1b', 'slash'],
  ['/items/5/id', undefined],
  ['/id/length', undefined],
  ['/constructor', undefined],
  ['/none/at/all', undefined],
])('points with %s to %s', (pointer, expected) => {
  expect(at({ id: 'r1', items: [{ id: 7 }], 'a/b': 'slash' }, pointer)).toBe(expected);
});
