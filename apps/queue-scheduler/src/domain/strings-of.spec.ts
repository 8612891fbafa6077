import { expect, it } from 'vitest';
import { stringsOf, wholeTextOf, type Said } from './strings-of.js';

const said = (more: Partial<Said>): Said => ({
  config_name: 'tiny',
  config: {},
  output_path: null,
  checkpoint_path: null,
  labels: {},
  ...more,
});

it.each([
  [
    'an argument',
    { config: { command: ['sh', '-c', 'echo hunter2!'] } },
    [['config.command.2', 'echo hunter2!']],
  ],
  ['a variable', { config: { env: { HF: 'hunter2!' } } }, [['config.env.HF', 'hunter2!']]],
  ['the name of a field', { config: { env: { 'hunter2!': 1 } } }, [['config.env', 'hunter2!']]],
  ['where results go', { output_path: 's3://me:pw@x' }, [['output_path', 's3://me:pw@x']]],
  ['a label', { labels: { team: 'hunter2!' } }, [['labels.team', 'hunter2!']]],
  ['what the config is called', { config_name: 'hunter2!' }, [['config_name', 'hunter2!']]],
  ['nothing that is short, and no numbers', { config: { a: 'hunter2', b: 123456789, c: null } }, []],
] as const)('finds %s', (_, more, expected) => {
  expect(stringsOf(said(more)).map(({ path, text }) => [path, text])).toEqual(expected);
});

it('has every string in the whole text, as JSON writes it', () => {
  const one = said({ config: { a: ['x"y'] }, output_path: '/out', labels: { k: 'v' } });
  expect(JSON.parse(wholeTextOf(one))).toEqual(one);
});
