import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveSecrets, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { fakeProviderConfig, type Client } from '@lineclear/testkit';
import { expect } from 'vitest';
import { openHouse, type SecretsHouse } from './house.js';

type ForProvider = Extract<RequestOf<typeof resolveSecrets>['for'], { purpose: 'provider' }>;
export type OnBehalf = NonNullable<ForProvider['on_behalf']>;
/** What the credential of every provider here is called. */
export const NAME = 'CLOUD_TOKEN';

export interface Given extends Pick<ReplyOf<typeof resolveSecrets>, 'missing' | 'used'> {
  readonly value?: string;
}

/** A house with keyed providers: `cloud` and `replicate` of the default policy, `strict`, `team` and `billed` of others, and `open` without a key. */
export interface ProvidersHouse extends SecretsHouse {
  /** What a job of this provider is given. */
  credential(this: void, provider: string, on_behalf: OnBehalf): Promise<Given>;
}

/** Opens it; `whoamiUrls` are where providers are asked whose a credential is. */
export async function openProvidersHouse(whoamiUrls: Record<string, string> = {}): Promise<ProvidersHouse> {
  const keyed = fakeProviderConfig('http://127.0.0.1:9', { auth: { secret: NAME } });
  const providers = {
    ...Object.fromEntries(['cloud', 'replicate', 'strict', 'team', 'billed'].map((name) => [name, keyed])),
    open: fakeProviderConfig('http://127.0.0.1:9'),
  };
  const house = await openHouse(
    (dir) => {
      mkdirSync(dir, { recursive: true });
      const file = join(dir, 'lineclear.yaml');
      writeFileSync(file, JSON.stringify({ providers }));
      return { LINECLEAR_CONFIG: file };
    },
    { whoamiUrls },
  );
  expect((await house.admin.post('/api/secrets', { name: NAME, value: 'shared' })).status).toBe(201);
  for (const [provider, policy] of [
    ['strict', 'user_only'],
    ['team', 'user_then_team'],
    ['billed', 'shared'],
  ])
    expect((await house.admin.put(`/api/secrets/-/policies/${provider}`, { policy })).status).toBe(200);
  return {
    ...house,
    async credential(provider, on_behalf) {
      const key = new SealingKey();
      const { box, missing, used } = await house.peer.ask(resolveSecrets, {
        names: [NAME],
        for: { purpose: 'provider', provider, on_behalf },
        public_key: key.publicKey,
      });
      const values = box ? (JSON.parse(await key.open(box)) as Record<string, string>) : {};
      return { missing, ...(box ? { value: values[NAME]!, used: used! } : {}) };
    },
  };
}

export const job = (whose: Omit<OnBehalf, 'job_id' | 'attempt'>): OnBehalf => ({
  job_id: `job_${randomBytes(16).toString('hex')}`,
  attempt: 1,
  ...whose,
});

export const usedFrom = (scope: string, version = 1): Pick<Given, 'used'> => ({
  used: [{ name: NAME, scope, source: 'store', version }],
});

/** Keeps somebody's own credential; its id. */
export async function keep(http: Client, value: string, provider = 'cloud'): Promise<number> {
  const { status, body } = await http.post('/api/users/me/credentials', {
    provider,
    credential_value: value,
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.id as number;
}
