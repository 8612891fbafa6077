import { wrongUsage } from './domain/cli-error.js';

/** A job's id, as it may stand in a path. @throws CliError */
export function jobFrom(word: string | undefined): string {
  if (word === undefined || !/^[A-Za-z0-9_-]{1,64}$/.test(word)) throw wrongUsage('that is no id of a job');
  return word;
}

/** Whether an id is that of an array: of many jobs that were submitted as one. */
export const isArray = (id: string): boolean => id.startsWith('arr_');

/** A provider's name, as it may stand in a path. @throws CliError */
export function providerFrom(word: string | undefined): string {
  if (word === undefined || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(word))
    throw wrongUsage('--provider takes the name of a provider');
  return word;
}
