import { unpackedDeb } from './deb-package.js';
import { installed } from './on-path.js';

/** Kubernetes' own client, and what its environment must hold. */
export interface Kubectl {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The kubectl that is installed, else out of the distribution's package, unpacked beside the system. Tests talk to us by it,
 * as a client that was not written here. @throws Error where there is neither
 */
export async function findKubectl(): Promise<Kubectl> {
  const versionArgs = ['version', '--client'];
  const [here] = await installed(['kubectl'], [], versionArgs);
  if (here) return { file: here.file, env: {} };
  const deb = await unpackedDeb({
    name: 'kubectl',
    packages: ['kubernetes-client'],
    programs: ['usr/bin/kubectl'],
    versionArgs,
  });
  if (typeof deb === 'string')
    throw new Error(`there is no kubectl here, and ${deb}. Install it: apt install kubernetes-client.`);
  return deb;
}
