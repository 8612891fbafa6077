import { resolveSecrets, type Principal } from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import type { Answer, Client } from '@lineclear/testkit';
import { expect } from 'vitest';
import { claimRun, type ForRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

export const VISION: NonNullable<Principal['teams']>[number] = { id: 3, slug: 'vision', role: 'admin' };
const acme = { id: 1, slug: 'acme' };

type Values = Record<string, string> | string[];
type People = Omit<ForRun, 'purpose' | 'job_id' | 'attempt'>;

/** A house with Anna, who shares, and Tom of the team vision, who is shared with. */
export interface SharingHouse {
  readonly house: SecretsHouse;
  readonly anna: Client;
  readonly annaId: number;
  readonly tom: Client;
  readonly tomId: number;
  /** Anna's secret, shared, with Tom if nothing else is said; the share's id. */
  shared(this: void, name: string, more?: object): Promise<number>;
  revoke(this: void, name: string, id: number): Promise<Answer>;
  /** What is answered for a run: values, or names that are missing. */
  asked(this: void, run: ForRun, ...names: string[]): Promise<Values>;
  /** What a new job of these people gets. */
  resolve(this: void, whose: People, ...names: string[]): Promise<Values>;
  ofTom(this: void, ...names: string[]): Promise<Values>;
}

export const set = (http: Client, name: string, value: string, more: object = {}): Promise<Answer> =>
  http.post('/api/secrets', { name, value, scope: 'user', ...more });
export const accept = (http: Client, id: number, more: object = {}): Promise<Answer> =>
  http.post(`/api/secrets/-/shared/${id}/accept`, { scope: 'user', ...more });

export async function openSharing(): Promise<SharingHouse> {
  const house = await openHouse();
  const { http: anna, userId: annaId } = house.person('researcher', { org: acme });
  const { http: tom, userId: tomId } = house.person('researcher', { org: acme, teams: [VISION] });
  const asked = async (run: ForRun, ...names: string[]): Promise<Values> => {
    const key = new SealingKey();
    const question = { names, for: run, public_key: key.publicKey };
    const { box, missing } = await house.peer.ask(resolveSecrets, question);
    return box ? (JSON.parse(await key.open(box)) as Record<string, string>) : missing;
  };
  const resolve = async (whose: People, ...names: string[]): Promise<Values> =>
    asked(await claimRun(house.peer, names, whose), ...names);
  return {
    house,
    anna,
    annaId,
    tom,
    tomId,
    async shared(name, more = {}) {
      await set(anna, name, `anna's ${name}`);
      const to = { scope: 'user', to: 'user', id: tomId };
      const { status, body } = await anna.post(`/api/secrets/${name}/shares`, { ...to, ...more });
      expect(status, JSON.stringify(body)).toBe(201);
      return body.id as number;
    },
    revoke: (name, id) => anna.delete(`/api/secrets/${name}/shares/${id}?scope=user`),
    asked,
    resolve,
    ofTom: (...names) => resolve({ user_id: tomId, org_id: 1 }, ...names),
  };
}
