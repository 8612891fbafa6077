import { FORMATS } from '@lineclear/credentials';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { foundHere, placeOf, profileOf } from '../found-here.js';
import { warn } from '../world.js';

export const credentials = command({
  name: 'credentials',
  usage: '[--all] [--home DIR]',
  about: 'Lists the credentials of ML tools on this machine, without their values',
  help: '--all lists the formats that are known, and their fields, instead.',
  options: { all: { type: 'boolean' }, home: { type: 'string' } },
  words: [0, 0],
  run: async ({ options, world }) => {
    if (options.all) {
      const rows = FORMATS.map(({ name, title, fields }) => [
        name,
        title,
        fields.map((field) => (field.required ? field.name : `[${field.name}]`)).join(', '),
      ]);
      world.stdout.write(table(['FORMAT', 'CREDENTIAL', 'FIELDS'], rows));
      return;
    }
    const { found, placed, problems } = await foundHere(world, options.home);
    const rows = [...found, ...placed].map(({ format, found: one, names, isPlaced }) => {
      const stored = Object.keys(one.values.reveal()).map((field) => names[field] ?? '');
      return [
        format.name,
        profileOf(one) ?? '',
        placeOf(one),
        isPlaced ? 'lineclear' : '',
        stored.join(', '),
      ];
    });
    world.stdout.write(table(['FORMAT', 'PROFILE', 'WHERE', 'PLACED BY', 'NAMES'], rows));
    for (const { format, why } of problems) warn(world, `${format}: ${why}`);
  },
});
