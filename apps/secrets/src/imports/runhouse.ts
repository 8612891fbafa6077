import { z } from 'zod';
import { Malformed } from '../domain/secrets-file.js';
import type { ImportEntry } from './entry.js';

const MAX_FILES = 200;

/** What `~/.rh/secrets/<name>.json` has, as far as it matters here. */
const file = z.looseObject({
  name: z.string().max(200).optional(),
  provider: z.string().max(100).nullish(),
  values: z.record(z.string().max(200), z.unknown()),
  env_vars: z.record(z.string().max(200), z.string().max(200)).nullish(),
});

/** The variables that Runhouse's providers mean, where they are not `<PROVIDER>_<KEY>`. */
const VARIABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  aws: { access_key: 'AWS_ACCESS_KEY_ID', secret_key: 'AWS_SECRET_ACCESS_KEY' },
  huggingface: { token: 'HF_TOKEN' },
  docker: {
    username: 'SKYPILOT_DOCKER_USERNAME',
    password: 'SKYPILOT_DOCKER_PASSWORD',
    server: 'SKYPILOT_DOCKER_SERVER',
  },
  github: { oauth_token: 'GH_TOKEN' },
};

/** The values of one of Runhouse's local secrets, or of a list of them, under the variables that they are for. @throws Malformed */
export function readRunhouse(content: string): ImportEntry[] {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch {
    throw new Malformed('is not JSON');
  }
  const files = z
    .array(file)
    .max(MAX_FILES)
    .safeParse(Array.isArray(json) ? json : [json]);
  if (!files.success)
    throw new Malformed('is not a secret of Runhouse: an object with "values", or a list of them');
  return files.data.flatMap(({ name = '', provider, values, env_vars }) => {
    // `/user/name` in Den, `~/name` on disk.
    const own = name.split('/').at(-1) ?? '';
    return Object.entries(values).map(([key, value]) => ({
      key:
        env_vars?.[key] ??
        VARIABLES[provider ?? own]?.[key] ??
        [own || provider, key].filter(Boolean).join('_').toUpperCase(),
      value: typeof value === 'string' ? value : JSON.stringify(value),
    }));
  });
}
