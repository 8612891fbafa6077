import { Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { resolveSecrets, secretChanged, type RequestOf } from '@lineclear/contracts';
import { Clock, Metrics, SealingKey, Secret, TtlCache } from '@lineclear/kit';
import { z } from 'zod';
import { redactor } from '../domain/redact.js';
import type { Run } from '../domain/run.js';
import type { Adapter, Credential } from './adapter.js';

const DEADLINE_MS = 3_000;
const CREDENTIAL_TTL_MS = 30_000;
const MAX_PROVIDERS = 100;
const MAX_KEPT = 2_000;
const KEPT_FOR_MS = 24 * 3_600_000;

type Values = ReadonlyMap<string, Secret>;
type OnBehalfOf = Omit<Extract<RequestOf<typeof resolveSecrets>['for'], { purpose: 'run' }>, 'purpose'>;
const opened = z.record(z.string().max(128), z.string().max(300_000));

/** Names that no source of secrets has. */
export class MissingSecrets extends Error {
  override readonly name = 'MissingSecrets';

  constructor(names: readonly string[]) {
    super(`these secrets do not exist or may not be used: ${names.join(', ')}`);
  }
}

/**
 * Values of secrets, asked for when they are needed, sealed to a key that lives and dies with this process. A provider's own
 * credential is kept for half a minute, and dropped when it changes; a run's values while its output must be cleaned of them,
 * which are those it was given, whatever they are by now. Nothing is written down.
 */
@Injectable()
export class Credentials {
  readonly #key = new SealingKey();
  readonly #ofProviders: TtlCache<Values>;
  readonly #ofRuns: TtlCache<Values>;

  constructor(
    private readonly bus: Bus,
    clock: Clock,
    metrics: Metrics,
  ) {
    this.#ofProviders = new TtlCache({
      clock,
      ttlMs: CREDENTIAL_TTL_MS,
      maxEntries: MAX_PROVIDERS,
      name: 'provider_credentials',
      metrics,
    });
    this.#ofRuns = new TtlCache({
      clock,
      ttlMs: KEPT_FOR_MS,
      maxEntries: MAX_KEPT,
      name: 'run_secrets',
      metrics,
    });
    bus.watch(secretChanged, ({ data }) => this.#ofProviders.deleteWhere((values) => values.has(data.name)));
    bus.afterSilence(() => this.#ofProviders.clear());
  }

  /** @throws MissingSecrets, or Unavailable when the secrets service does not answer */
  async ofProvider(adapter: Adapter): Promise<Credential> {
    const { authSecret, name } = adapter;
    if (authSecret === undefined) return undefined;
    const values = await this.#ofProviders.getOrLoad(name, () =>
      this.#resolve([authSecret], { purpose: 'provider', provider: name }),
    );
    return values.get(authSecret);
  }

  /** The provider may have said that its credential is wrong: the next call asks for it again. */
  forgetProvider(name: string): void {
    this.#ofProviders.delete(name);
  }

  /** What a run is to get. @throws MissingSecrets, or Unavailable when the secrets service does not answer */
  async ofRun(run: Run, fresh: boolean): Promise<Values> {
    if (run.secrets.length === 0) return new Map();
    if (fresh) this.#ofRuns.delete(run.id);
    return this.#ofRuns.getOrLoad(run.id, () =>
      this.#resolve(run.secrets, { purpose: 'run', ...onBehalfOf(run) }),
    );
  }

  /** Makes what takes out of a text all that the run and its provider were given. @throws as `ofRun` does */
  async cleaner(run: Run, credential: Credential): Promise<(text: string) => string> {
    const values = [...(await this.ofRun(run, false)).values(), ...(credential ? [credential] : [])];
    return redactor(values.map((secret) => secret.reveal()));
  }

  /** A provider may repeat what it was given; without the values to look for, nothing it says is kept. */
  async clean(run: Run, credential: Credential, said: string): Promise<string | null> {
    try {
      return (await this.cleaner(run, credential))(said);
    } catch {
      return null;
    }
  }

  forgetRun(id: string): void {
    this.#ofRuns.delete(id);
  }

  async #resolve(names: readonly string[], on: RequestOf<typeof resolveSecrets>['for']): Promise<Values> {
    const { box, missing } = await ask(
      this.bus,
      resolveSecrets,
      { names: [...names], for: on, public_key: this.#key.publicKey },
      DEADLINE_MS,
    );
    if (missing.length > 0) throw new MissingSecrets(missing);
    const values = box ? opened.parse(JSON.parse(this.#key.open(box))) : {};
    const absent = names.filter((name) => !Object.hasOwn(values, name));
    if (absent.length > 0) throw new MissingSecrets(absent);
    return new Map(names.map((name) => [name, new Secret(values[name] ?? '')]));
  }
}

/** The job that a run is of, and whose it is. */
const onBehalfOf = ({ jobId, attempt, userId, teamId, orgId }: Run): OnBehalfOf => ({
  job_id: jobId,
  attempt,
  user_id: userId,
  ...(teamId === null ? {} : { team_id: teamId }),
  ...(orgId === null ? {} : { org_id: orgId }),
});
