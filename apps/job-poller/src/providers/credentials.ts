import { Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { resolveSecrets, secretChanged, type ReplyOf, type RequestOf } from '@lineclear/contracts';
import { Clock, Metrics, SealingKey, Secret, TtlCache } from '@lineclear/kit';
import { z } from 'zod';
import type { Run } from '../domain/run.js';
import type { Adapter, Credential } from '../adapters/adapter.js';
import { redactor, type Redacted, type Redactor } from './redact.js';

const DEADLINE_MS = 3_000;
const CREDENTIAL_TTL_MS = 30_000;
const MAX_ACCOUNTS = 2_000;
const MAX_RUNS = 20_000;
const MAX_KEPT = 2_000;
const KEPT_FOR_MS = 24 * 3_600_000;

export type Values = ReadonlyMap<string, Secret>;
type Behalf = RequestOf<typeof resolveSecrets>['for'];
type Used = NonNullable<ReplyOf<typeof resolveSecrets>['used']>;
type OnBehalfOf = Omit<Extract<Behalf, { purpose: 'run' }>, 'purpose'>;
const opened = z.record(z.string().max(128), z.string().max(300_000));

/** A provider's credential, and its version where it has one. */
interface Account {
  readonly values: Values;
  /** Whose it is, and which: runs that were given the same share it. */
  readonly key: string;
  /** Whose it is: the same whatever its version. */
  readonly name: string;
  readonly version: number | undefined;
}

/** A run's account: under which key it is kept, what it is called, and which version of it the provider refused this run last. */
interface AccountOfRun extends Pick<Account, 'key' | 'name'> {
  readonly refused?: Pick<Account, 'version'>;
}

/** Names that no source of secrets has. */
export class MissingSecrets extends Error {
  override readonly name = 'MissingSecrets';

  constructor(names: readonly string[]) {
    super(`these secrets do not exist or may not be used: ${names.join(', ')}`);
  }
}

/**
 * Values of secrets, asked for when they are needed, sealed to a key that lives and dies with this process. A provider's
 * credential is that of the people whose run it is: the secrets service gives an attempt the same one again, and it is kept for
 * half a minute for all runs that have it, and dropped when it changes. A run's values are kept while its output must be cleaned
 * of them, which are those it was given, whatever they are by now. Nothing is written down.
 */
@Injectable()
export class Credentials {
  readonly #key = new SealingKey();
  readonly #accounts: TtlCache<Account>;
  readonly #accountOfRun: TtlCache<AccountOfRun>;
  /** The versions that providers did not take, by account. */
  readonly #refused: TtlCache<number>;
  readonly #ofRuns: TtlCache<Values>;
  /** By provider. */
  readonly #ofWebhooks: TtlCache<Values>;
  /** Made once of a run's values: its log is read every second. They go when the values do. */
  readonly #redactors = new WeakMap<Values, { credential: Credential; redactor: Redactor }>();

  constructor(
    private readonly bus: Bus,
    clock: Clock,
    metrics: Metrics,
  ) {
    const cache = <T>(name: string, ttlMs: number, maxEntries: number): TtlCache<T> =>
      new TtlCache({ clock, ttlMs, maxEntries, name, metrics });
    this.#accounts = cache('provider_credentials', CREDENTIAL_TTL_MS, MAX_ACCOUNTS);
    this.#accountOfRun = cache('accounts_of_runs', KEPT_FOR_MS, MAX_RUNS);
    this.#refused = cache('refused_credentials', KEPT_FOR_MS, MAX_ACCOUNTS);
    this.#ofRuns = cache('run_secrets', KEPT_FOR_MS, MAX_KEPT);
    this.#ofWebhooks = cache('webhook_secrets', CREDENTIAL_TTL_MS, MAX_ACCOUNTS);
    bus.watch(secretChanged, ({ data }) => {
      this.#accounts.deleteWhere(({ values }) => values.has(data.name));
      this.#ofWebhooks.deleteWhere((values) => values.has(data.name));
    });
    bus.afterSilence(() => {
      this.#accounts.clear();
      this.#ofWebhooks.clear();
    });
  }

  /**
   * The credential that this run's calls are made with: by the provider's policy at its first call, and the same account from
   * then on. @throws MissingSecrets, Refused where the policy finds none or it has ended, Unavailable when the secrets service does not answer
   */
  async ofProvider(adapter: Adapter, run: Run): Promise<Credential> {
    const { authSecret } = adapter;
    if (authSecret === undefined) return undefined;
    const known = this.#accountOfRun.get(run.id);
    const account = await (known === undefined
      ? this.#askForAccount(adapter, authSecret, run)
      : this.#accounts.getOrLoad(known.key, () => this.#askForAccount(adapter, authSecret, run, known)));
    if (known === undefined) {
      this.#accountOfRun.set(run.id, { key: account.key, name: account.name });
      this.#accounts.set(account.key, account);
    }
    return account.values.get(authSecret);
  }

  /** Which of its provider's accounts this run's calls are made on, once `ofProvider` was asked; null before. */
  accountOf(adapter: Adapter, { id }: Pick<Run, 'id'>): string | null {
    return adapter.authSecret === undefined ? adapter.name : (this.#accountOfRun.get(id)?.name ?? null);
  }

  /**
   * The provider does not take this run's credential: the next call asks for it again, and for another version if there is one.
   * False where that was done, and brought nothing new.
   */
  refused(run: Run): boolean {
    const account = this.#accountOfRun.get(run.id);
    if (account === undefined) return false;
    const { key, refused: before } = account;
    const version = this.#accounts.get(key)?.version;
    if (version !== undefined) this.#refused.set(key, version);
    this.#accounts.delete(key);
    this.#accountOfRun.set(run.id, { ...account, refused: { version } });
    return before === undefined || (version !== undefined && version !== before.version);
  }

  async #askForAccount(
    adapter: Adapter,
    secret: string,
    run: Run,
    known?: Pick<Account, 'key' | 'name'>,
  ): Promise<Account> {
    const refused = known === undefined ? undefined : this.#refused.get(known.key);
    const onBehalf = { ...onBehalfOf(run), ...(refused === undefined ? {} : { refused_version: refused }) };
    const { values, used } = await this.#resolve([secret], {
      purpose: 'provider',
      provider: adapter.name,
      on_behalf: onBehalf,
    });
    const { version } = used.find((one) => one.name === secret) ?? {};
    const name = accountName(adapter, secret, used);
    return { values, version, ...(known ?? { key: `${name} ${version ?? ''}`, name }) };
  }

  /** The credential that everybody shares, for what is nobody's run. @throws as `ofProvider` does, also where the policy lets nobody share one */
  async ofHouse(adapter: Adapter): Promise<{ credential: Credential; account: string }> {
    const { name, authSecret } = adapter;
    if (authSecret === undefined) return { credential: undefined, account: name };
    const resolved = await this.#resolve([authSecret], { purpose: 'provider', provider: name });
    return {
      credential: resolved.values.get(authSecret),
      account: accountName(adapter, authSecret, resolved.used),
    };
  }

  /** What a provider's webhooks are proven with: nobody's but everybody's. @throws MissingSecrets, or Unavailable */
  async ofWebhooks(provider: string, name: string): Promise<Secret | undefined> {
    const values = await this.#ofWebhooks.getOrLoad(
      provider,
      async () => (await this.#resolve([name], { purpose: 'provider', provider, webhooks: true })).values,
    );
    return values.get(name);
  }

  /** What a run is to get. @throws MissingSecrets, or Unavailable when the secrets service does not answer */
  async ofRun(run: Run, fresh: boolean): Promise<Values> {
    if (run.secrets.length === 0) return new Map();
    if (fresh) this.#ofRuns.delete(run.id);
    return this.#ofRuns.getOrLoad(run.id, async () => {
      const { values } = await this.#resolve(run.secrets, { purpose: 'run', ...onBehalfOf(run) });
      return values;
    });
  }

  /** Makes what takes out of a text all that the run and its provider were given. @throws as `ofRun` does */
  async cleaner(run: Run, adapter: Adapter, credential: Credential): Promise<Redactor> {
    const values = await this.ofRun(run, false);
    const made = this.#redactors.get(values);
    if (made && made.credential === credential) return made.redactor;
    const fresh = redactorOf(values, adapter, credential);
    this.#redactors.set(values, { credential, redactor: fresh });
    return fresh;
  }

  /** A provider may repeat what it was given; without the values to look for, nothing it says is kept. */
  async clean(run: Run, adapter: Adapter, credential: Credential, said: string): Promise<Redacted | null> {
    try {
      return (await this.cleaner(run, adapter, credential)).clean(said);
    } catch {
      return null;
    }
  }

  forgetRun(id: string): void {
    this.#ofRuns.delete(id);
    this.#accountOfRun.delete(id);
  }

  async #resolve(names: readonly string[], on: Behalf): Promise<{ values: Values; used: Used }> {
    const {
      box,
      missing,
      used = [],
    } = await ask(
      this.bus,
      resolveSecrets,
      { names: [...names], for: on, public_key: this.#key.publicKey },
      DEADLINE_MS,
    );
    if (missing.length > 0) throw new MissingSecrets(missing);
    const values = box ? opened.parse(JSON.parse(await this.#key.open(box))) : {};
    const absent = names.filter((name) => !Object.hasOwn(values, name));
    if (absent.length > 0) throw new MissingSecrets(absent);
    return { values: new Map(names.map((name) => [name, new Secret(values[name] ?? '')])), used };
  }
}

/** Whose credential it is: the same whatever its version. */
function accountName(adapter: Adapter, secret: string, used: Used): string {
  const { scope = '', source = '' } = used.find((one) => one.name === secret) ?? {};
  return [adapter.name, source, scope].join(' ');
}

/** The job that a run is of, and whose it is. */
const onBehalfOf = ({ jobId, attempt, userId, teamId, orgId }: Run): OnBehalfOf => ({
  job_id: jobId,
  attempt,
  user_id: userId,
  ...(teamId === null ? {} : { team_id: teamId }),
  ...(orgId === null ? {} : { org_id: orgId }),
});

/** Takes out what the run was given, and its provider's credential. */
export const redactorOf = (values: Values, { authSecret }: Adapter, credential: Credential): Redactor =>
  redactor(
    [...values, ...(credential ? [[authSecret ?? '', credential] as const] : [])].map(([name, secret]) => ({
      name,
      value: secret.reveal(),
    })),
  );
