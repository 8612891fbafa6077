/** How a provider is asked whose a credential is: a call that changes nothing, and what in its answer proves that it is taken. */
export interface Whoami {
  readonly url: string;
  readonly header: string;
  /** What the header says, given the credential. */
  readonly say: (value: string) => string;
  readonly also?: Readonly<Record<string, string>>;
  /** Sent with POST; without one it is a GET. */
  readonly body?: object;
  /** Where in the answer the proof is: without it the credential is not taken, whatever the status. */
  readonly proof: readonly string[];
}

const bearer = { header: 'authorization', say: (value: string) => `Bearer ${value}` };

/** By the name of the provider. One that is not here is not asked. */
export const WHOAMI: Readonly<Record<string, Whoami>> = {
  huggingface: { ...bearer, url: 'https://huggingface.co/api/whoami-v2', proof: ['name'] },
  replicate: { ...bearer, url: 'https://api.replicate.com/v1/account', proof: ['username'] },
  runpod: {
    ...bearer,
    url: 'https://api.runpod.io/graphql',
    body: { query: 'query { myself { id } }' },
    proof: ['data', 'myself', 'id'],
  },
  openai: { ...bearer, url: 'https://api.openai.com/v1/models', proof: ['data'] },
  anthropic: {
    url: 'https://api.anthropic.com/v1/models?limit=1',
    header: 'x-api-key',
    say: (value) => value,
    also: { 'anthropic-version': '2023-06-01' },
    proof: ['data'],
  },
  wandb: {
    url: 'https://api.wandb.ai/graphql',
    header: 'authorization',
    say: (value) => `Basic ${Buffer.from(`api:${value}`).toString('base64')}`,
    body: { query: 'query { viewer { username } }' },
    proof: ['data', 'viewer', 'username'],
  },
};

/** `unknown`: the provider did not say, and nothing follows from that. */
export type Checked = 'valid' | 'refused' | 'unknown';

/** What an answer says of the credential. */
export function readWhoami(status: number, body: unknown, proof: readonly string[]): Checked {
  if (status === 401 || status === 403) return 'refused';
  if (status !== 200) return 'unknown';
  let found: unknown = body;
  for (const name of proof) {
    if (typeof found !== 'object' || found === null) return 'refused';
    found = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined;
  }
  return found === undefined || found === null || found === '' ? 'refused' : 'valid';
}

/** Whether a value can be a header at all: what has a line break in it, or letters of other alphabets, cannot be said to a provider. */
export const canBeSaid = (value: string): boolean => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value);
