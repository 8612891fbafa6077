import { toolEnv } from './config.js';
import { unpackedDeb } from './deb-package.js';
import { run } from './run.js';

/** A Python that can import a module: the program, and what its environment must hold for that. */
export interface PythonWithModule {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

// The distribution's own: its packages are made for it, and for no other that may be on the path.
const PYTHON = '/usr/bin/python3';

/**
 * The distribution's Python with a module that a test talks to us by, as a client that was not written here: the one that
 * is installed, else out of the distribution's package, unpacked beside the system. @throws Error where there is neither.
 */
export async function pythonWithModule(module: string, debPackage: string): Promise<PythonWithModule> {
  const args = ['-c', `import ${module}`];
  if ((await run(PYTHON, args, { env: toolEnv() })).code === 0) return { file: PYTHON, env: {} };
  const env = (path: string): Record<string, string> => ({ PYTHONPATH: path });
  const deb = await unpackedDeb({
    name: debPackage,
    packages: [debPackage],
    programs: ['usr/lib/python3/dist-packages'],
    versionArgs: args,
    runBy: (path) => ({ file: PYTHON, env: env(path) }),
  });
  if (typeof deb === 'string')
    throw new Error(`${PYTHON} cannot import ${module}, and ${deb}. Install it: apt install ${debPackage}.`);
  return { file: PYTHON, env: env(deb.file) };
}
