import { FORMATS, placedCredentials, readManifest } from '@lineclear/credentials';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { foundHere, placeOf } from '../found-here.js';
import { manifestPath } from '../own-files.js';
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
    const placed = placedCredentials(await readManifest(manifestPath(world)));
    const { found, problems } = await foundHere(world, options.home);
    const rows = found.map(({ format, found: one, names }) => {
      const { from } = one;
      const profile = from.kind === 'file' ? from.profile : '';
      const isPlaced = placed.some((other) => other.format === format.name && other.profile === profile);
      const stored = Object.keys(one.values.reveal()).map((field) => names[field] ?? '');
      return [format.name, profile, placeOf(one), isPlaced ? 'lineclear' : '', stored.join(', ')];
    });
    world.stdout.write(table(['FORMAT', 'PROFILE', 'WHERE', 'PLACED BY', 'NAMES'], rows));
    for (const { format, why } of problems) warn(world, `${format}: ${why}`);
  },
});
