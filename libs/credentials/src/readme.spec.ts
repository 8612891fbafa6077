import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { CredentialFormat } from './format.js';
import { FORMATS } from './formats.js';

const HEAD = ['format', 'credential', 'fields', 'variables', 'files', 'a job gets'];
const GETS = { env: 'variables', file: 'files', both: 'both' } as const;

const rowOf = ({ name, aliases, title, fields, files, profiles, delivery }: CredentialFormat): string[] => [
  [name, ...aliases].join(', '),
  title,
  fields.map((field) => (field.required ? field.name : `[${field.name}]`)).join(', '),
  [
    ...fields.flatMap(({ variables }) => variables.slice(0, 1)),
    ...files.flatMap(({ announcedIn }) => announcedIn ?? []),
  ]
    .map((variable) => `\`${variable}\``)
    .join(', ') || '-',
  files.flatMap(({ path }) => pathsOf(path, profiles)).join(', ') || '-',
  GETS[delivery],
];

const pathsOf = (path: string, profiles: readonly string[]): string[] =>
  path.includes('{profile}')
    ? profiles.map((profile) => `\`~/${path.replace('{profile}', profile)}\``)
    : [`\`~/${path}\``];

it('the README has every format as it is', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const cells = readme
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[ -]+\|[ -|]*$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  expect(cells).toEqual([HEAD, ...FORMATS.map(rowOf)]);
});
