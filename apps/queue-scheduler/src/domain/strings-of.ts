/** Strings with fewer characters hold no secret that is looked for. */
const MIN_CHARACTERS = 8;

export interface TextAt {
  /** Where it is: `config.command.3`. */
  readonly path: string;
  readonly text: string;
}

/** What a submit says in its own words. */
export interface Said {
  readonly config_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly output_path: string | null;
  readonly checkpoint_path: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every string in it that is long enough to hold a secret; names of fields too, under the path of what they are in. */
export function stringsOf(said: Said): TextAt[] {
  const found: TextAt[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'string') {
      if (value.length >= MIN_CHARACTERS) found.push({ path, text: value });
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => look(item, `${path}.${index}`));
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        look(key, path);
        look(item, `${path}.${key}`);
      }
    }
  };
  for (const [field, value] of Object.entries(said)) look(value, field);
  return found;
}

/** All of it as one text: what is spread over several strings, as a whole key file in JSON, is found in this. */
export const wholeTextOf = ({ config_name, config, output_path, checkpoint_path, labels }: Said): string =>
  JSON.stringify({ config_name, config, output_path, checkpoint_path, labels });
