import { formatNamed, place as placeHere, type CredentialFormat, type Values } from '@lineclear/credentials';
import { CLUSTER_USAGE, onlyWith } from '../cluster.js';
import { command } from '../command.js';
import { credentialValues } from '../credential-source.js';
import { CliError, wrongUsage } from '../domain/cli-error.js';
import { IN_CLUSTER_OPTIONS, placeInCluster, removeFromCluster } from '../place-in-cluster.js';
import { HOME_OPTIONS, HOME_USAGE, withPlaces } from '../remote-home.js';
import { say } from '../world.js';

const SAID = {
  written: 'written',
  unchanged: 'has it already',
  kept: 'another one is there and stays; --overwrite replaces it until logout',
} as const;

export const place = command({
  name: 'place',
  usage: `FORMAT [--profile NAME] [--from-store] [--overwrite] ${HOME_USAGE}
       … --kubernetes [--from-machine] [--name NAME] [--owner NAME] [--remove] ${CLUSTER_USAGE}`,
  about: 'Puts a credential into the files that its tools read, until logout, or into Kubernetes',
  help: `Asks for its fields, or reads them from stdin as JSON: {"token": "…"}; --from-store takes one's own out of Lineclear. The
formats and their fields are those of lineclear credentials --all. What stood there before is kept, and comes back with
lineclear logout. --ssh does it in the home folder of a host that ssh reaches. --kubernetes writes it as a Secret object instead, and prints what goes into the pod: variables, and files
below --home (/root). --from-machine takes what the tools of this machine have. It is called lc-OWNER-NAME: $USER and the
format, unless told otherwise. --remove takes it away again. What lineclear did not make is never touched.`,
  options: {
    ...IN_CLUSTER_OPTIONS,
    profile: { type: 'string' },
    'from-store': { type: 'boolean' },
    kubernetes: { type: 'boolean' },
    overwrite: { type: 'boolean' },
    ...HOME_OPTIONS,
  },
  words: [1, 1],
  run: async ({ options, words: [name = ''], world }) => {
    const format = formatNamed(name);
    if (!format) throw wrongUsage('there is no such format: lineclear credentials --all');
    const { profile, overwrite = false, 'from-store': isFromStore = false } = options;
    const isFromMachine = options['from-machine'] ?? false;
    if (!options.kubernetes) onlyWith('--kubernetes', options, Object.keys(IN_CLUSTER_OPTIONS));
    if ([isFromStore, isFromMachine, options.remove].filter(Boolean).length > 1)
      throw wrongUsage('--from-store, --from-machine or --remove, one of them');
    if (options.remove) return removeFromCluster(format, options, world);
    const values = await credentialValues({ format, profile, isFromStore, isFromMachine }, world);
    if (options.kubernetes) return placeInCluster(format, values, options, world);
    const { placed, shown } = await withPlaces(
      world,
      options,
      pathsOf(format, values, profile),
      async ({ current, record }, { machine, shown: shownThere }) => {
        const chosen = profile === undefined ? {} : { profile };
        const how = { manifest: current, record, overwrite, ...chosen };
        return { placed: await placeHere(format, values, machine, how), shown: shownThere };
      },
    );
    for (const { path, outcome } of placed.files) say(world, `${shown(path)}: ${SAID[outcome]}`);
    if (placed.outcome === 'kept') throw new CliError(`${format.name} is not placed: another one is there`);
  },
});

/** Where the files of a credential are, below a home folder. */
function pathsOf(format: CredentialFormat, values: Values, asked: string | undefined): string[] {
  const profile = asked ?? format.profileOf?.(values) ?? format.profiles[0] ?? '';
  return format.files.map(({ path }) => path.replace('{profile}', profile));
}
