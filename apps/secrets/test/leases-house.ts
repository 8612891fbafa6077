import { resolveSecrets } from '@lineclear/contracts';
import { SealingKey, type RunningService } from '@lineclear/kit';
import { startFakeVault, type FakeDynamic, type FakeTtl, type FakeVault } from '@lineclear/testkit';
import { expect, vi } from 'vitest';
import { KeepLeases } from '../src/jobs/keep-leases.js';
import { ResolveSecrets } from '../src/requests/resolve-secrets.js';
import { claimRun, type ForRun } from './claim-run.js';
import { openHouse, type SecretsHouse } from './house.js';

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;
const PATHS = 40;

/** Names of a path of its own for one test. */
export interface Dynamic {
  readonly path: string;
  readonly user: string;
  readonly password: string;
}

export interface LeasesHouse {
  readonly house: SecretsHouse;
  readonly fake: FakeVault;
  /** A path that nobody used before, with leases of such a length. */
  dynamic(ttl?: FakeDynamic): Dynamic;
  /** Claims a slot for a job that names these, and waits until that is known. */
  claim(names: readonly string[], more?: Partial<ForRun>): Promise<ForRun>;
  /** What a run is given; asked of one replica. */
  resolve(run: ForRun, names: readonly string[], at?: RunningService): Promise<Record<string, string>>;
  /** Lets time pass in small steps, with all that is due in it done by this replica. */
  pass(seconds: number, at?: RunningService): Promise<void>;
  /** Does what is due now. */
  round(at?: RunningService): Promise<void>;
  /** Ends the service, and starts another one on the same database. */
  restart(): Promise<void>;
  rows(jobId: string): Promise<Record<string, unknown>[]>;
  sessions(): Promise<Record<string, unknown>[]>;
  metric(name: string, labels?: string): Promise<number>;
  close(): Promise<void>;
}

const STEP_SECONDS = 2 * MINUTE;
export const APP_ROLE = { LINECLEAR_VAULT_ROLE_ID: 'r', LINECLEAR_VAULT_SECRET_ID: 's' };

/** The secrets service with a Vault whose time is the house's; it logs in as an AppRole with tokens of such a length. */
export async function openLeasesHouse(
  token: FakeTtl = { ttlSeconds: HOUR },
  auth: (fake: FakeVault) => Record<string, string> = () => APP_ROLE,
): Promise<LeasesHouse> {
  let house: SecretsHouse | undefined;
  const fake = await startFakeVault({ nowMs: () => Date.now() + (house?.clock.laterMs ?? 0) });
  fake.addAppRole('r', 's', token);
  fake.mountKv('secret', 2);
  const paths = Array.from({ length: PATHS }, (_, n) => `database/creds/p${n}x`);
  const opened = await openHouse({
    VAULT_ADDR: fake.url,
    LINECLEAR_VAULT_TIMEOUT_SECONDS: '2',
    LINECLEAR_VAULT_DYNAMIC: paths
      .flatMap((path, n) => [`USER_${n}=${path}#username`, `PASSWORD_${n}=${path}#password`])
      .join(','),
    ...auth(fake),
  });
  house = opened;
  let used = 0;
  let live = opened.service;
  const round = (at = live): Promise<void> => at.app.get(KeepLeases).round();
  const sql = (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
    live.database.query(text, values);
  return {
    house: opened,
    fake,
    dynamic(ttl = { ttlSeconds: HOUR }) {
      const n = (used += 1) - 1;
      const path = paths[n]!;
      fake.addDynamic(path, ttl);
      return { path, user: `USER_${n}`, password: `PASSWORD_${n}` };
    },
    async claim(names, more = {}) {
      const run = await claimRun(opened.peer, names, { user_id: 7, ...more });
      await vi.waitFor(async () =>
        expect(
          await sql('select 1 from claims where job_id = $1 and attempt = $2', [run.job_id, run.attempt]),
        ).toHaveLength(1),
      );
      return run;
    },
    async resolve(run, names, at = live) {
      const key = new SealingKey();
      const asked = { names: [...names], for: run, public_key: key.publicKey };
      const { box } = await at.app.get(ResolveSecrets).resolve(resolveSecrets.request.parse(asked));
      return JSON.parse(await key.open(box!)) as Record<string, string>;
    },
    async pass(seconds, at) {
      for (let left = seconds; left > 0; left -= STEP_SECONDS) {
        opened.clock.pass(Math.min(left, STEP_SECONDS));
        await round(at);
      }
    },
    round,
    async restart() {
      await live.close();
      live = await opened.replica();
    },
    rows: (jobId) => sql('select * from vault_leases where job_id = $1 order by issued_at, id', [jobId]),
    sessions: () => sql('select * from vault_sessions order by started_at'),
    async metric(name, labels = '') {
      const text = String((await opened.admin.get('/metrics')).body);
      return text
        .split('\n')
        .filter((line) => line.startsWith(name) && line.includes(labels))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    async close() {
      await opened.close();
      await fake.close();
    },
  };
}
