import { join } from 'node:path';

/** Where a file of secrets may be. */
export interface FilePlaces {
  /** The first of them that exists is the one. */
  readonly readable: readonly string[];
  readonly writable: readonly string[];
  /** The one to make where none exists. */
  readonly made: string;
}

const NAMES = ['secrets.json', 'secrets.yaml', 'secrets.yml'];

/**
 * The file that is named, else the usual ones of this house and then those of SimpleTuner, which belong to it and are only
 * read. Undefined without a name and without a home: where the process has neither there is no file.
 */
export function filePlaces(from: {
  readonly file: string | undefined;
  /** LINECLEAR_HOME. */
  readonly houseFolder: string | undefined;
  readonly homeFolder: string | undefined;
}): FilePlaces | undefined {
  const { file, houseFolder, homeFolder } = from;
  if (file !== undefined) return { readable: [file], writable: [file], made: file };
  const ours = houseFolder ?? (homeFolder === undefined ? undefined : join(homeFolder, '.lineclear'));
  if (ours === undefined) return undefined;
  const writable = NAMES.map((name) => join(ours, name));
  const theirs = homeFolder === undefined ? [] : NAMES.map((name) => join(homeFolder, '.simpletuner', name));
  return { readable: [...writable, ...theirs], writable, made: join(ours, 'secrets.json') };
}
