import { wrongUsage } from './cli-error.js';

/** Labels from `--label name=value`. @throws CliError */
export function labelsOf(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.map((option) => {
      const [, name, value] = /^([a-z][a-z0-9_.-]{0,39})=([\w.:/+-]{1,80})$/.exec(option) ?? [];
      if (name === undefined || value === undefined)
        throw wrongUsage('--label takes name=value: a small name, and letters, digits and _ . : / + -');
      return [name, value];
    }),
  );
}
