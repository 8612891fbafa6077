import { nothing, shareAnswer, sharesAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { wrongUsage } from '../domain/cli-error.js';
import { table } from '../domain/printable.js';
import { expiryOf, wholeNumber } from '../domain/secret-input.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { instant, line, ownerOf, show } from '../show.js';

const MAX_ID = 2_147_483_647;
const RECEIVERS = ['user', 'team', 'org'] as const;

export const secretsShare = command({
  name: 'secrets share',
  usage: `NAME [--user ID | --team ID | --org ID | --everyone] [--write] [--expires 30d] ${SECRET_USAGE}
       … [--stop SHARE]`,
  about: 'Lets others use a secret, or lists and ends that',
  help: `Whoever it is shared with gives it a name of theirs (lineclear secrets shared), by which their jobs get it; --write lets them
set it, too. Without anybody, those it is shared with are listed. --stop ends a share at once, by the number in that list.`,
  options: {
    ...SECRET_OPTIONS,
    user: { type: 'string' },
    team: { type: 'string' },
    org: { type: 'string' },
    everyone: { type: 'boolean' },
    write: { type: 'boolean' },
    expires: { type: 'string' },
    stop: { type: 'string' },
  },
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const name = nameFrom(words[0]);
    const path = `/api/secrets/${name}/shares`;
    const scope = scopeFrom(options);
    const wanted = receiverFrom(options);
    const api = await openApi(world);
    if (options.stop !== undefined) {
      const id = wholeNumber('--stop', options.stop, { min: 1, max: MAX_ID });
      await api.ask('DELETE', `${path}/${id}`, nothing, { query: { scope } });
      return show(world, options, { id }, () => line(`${name} is not shared that way any more`));
    }
    if (!wanted) {
      const answer = await api.ask('GET', path, sharesAnswer, { query: { scope } });
      const rows = answer.shares.map(({ id, to, to_id: toId, access, expires_at: end, accepted_as: as }) => [
        String(id),
        toId === undefined ? to : `${to} ${toId}`,
        access,
        end === undefined ? '' : instant(end),
        as.map((one) => `${one.name} (${ownerOf(one)})`).join(', '),
      ]);
      return show(world, options, answer, () =>
        table(['SHARE', 'WITH', 'ACCESS', 'UNTIL', 'KNOWN AS'], rows),
      );
    }
    const body = {
      scope,
      ...wanted,
      access: options.write ? 'write' : 'read',
      ...(options.expires === undefined ? {} : { expires_at: expiryOf(options.expires, world.now()) }),
    };
    const answer = await api.ask('POST', path, shareAnswer, { body });
    show(world, options, answer, () => line(`${name} is shared: share ${answer.id}`));
  },
});

function receiverFrom(
  options: { readonly [Name in (typeof RECEIVERS)[number] | 'stop']?: string | undefined } & {
    readonly everyone?: boolean | undefined;
  },
): { readonly to: string; readonly id?: number } | undefined {
  const given = RECEIVERS.filter((kind) => options[kind] !== undefined);
  if (given.length + Number(options.everyone ?? false) + Number(options.stop !== undefined) > 1)
    throw wrongUsage('--user, --team, --org, --everyone or --stop, one of them');
  if (options.everyone) return { to: 'everyone' };
  const [kind] = given;
  if (kind === undefined) return undefined;
  return { to: kind, id: wholeNumber(`--${kind}`, options[kind] ?? '', { min: 1, max: MAX_ID }) };
}
