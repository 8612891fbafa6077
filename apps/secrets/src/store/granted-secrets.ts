import { Inject, Injectable } from '@nestjs/common';
import type { RequestOf, resolveSecrets } from '@lineclear/contracts';
import { Clock, CONFIG, Database, Refused, Secret, type Tx } from '@lineclear/kit';
import type { Config } from '../config.js';
import { addGrants, heldBy, moveGrants, type GrantedTo, type HeldGrant } from '../db/grants.repo.js';
import { policyOf } from '../db/provider-policies.repo.js';
import type { Asker, People } from '../domain/lookup.js';
import { noneFound, placesOfProvider, versionToGoOnWith } from '../domain/provider-policy.js';
import { BrokenTemplate, expand, LIMITS, referencesIn } from '../domain/template.js';
import { OwnStore } from '../sources/own-store.js';
import { SourceChain, type Resolved } from '../sources/source-chain.js';
import { Claims } from './claims.js';

export type Behalf = RequestOf<typeof resolveSecrets>['for'];

/** What was found for somebody, and why there is no more. */
export interface Finding {
  readonly found: ReadonlyMap<string, Resolved>;
  /** Whom what is given out has to be noted for; nobody where no job is known. */
  readonly to?: GrantedTo;
  /** What this attempt was given before. */
  readonly held: readonly HeldGrant[];
  /** Said instead of that names are missing. */
  readonly refusal?: Refused;
}

/** Two replicas were asked at once, and the other one was first: it is to be asked what it gave. */
export class GivenMeanwhile extends Error {
  override readonly name = 'GivenMeanwhile';
}

/**
 * What an attempt of a job gets: what it was given before, from there and nowhere else, or the first that is found. So a run stays
 * with the account that it was submitted with, whatever is set meanwhile.
 */
@Injectable()
export class GrantedSecrets {
  constructor(
    private readonly chain: SourceChain,
    private readonly store: OwnStore,
    private readonly claims: Claims,
    private readonly database: Database,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * @throws what a source throws that is asked before a name is found: nothing further out is looked at then; Refused for a run whose
   * claim does not stand for it or lacks an approval, Unavailable while none is heard of
   */
  async find(names: readonly string[], behalf: Behalf): Promise<Finding> {
    if (behalf.purpose !== 'run') return this.#fill(names, behalf, await this.#look(names, behalf));
    const asking = { ...behalf, names };
    const claim = await this.claims.require(asking);
    const finding = await this.#fill(names, behalf, await this.#look(names, behalf));
    await this.claims.requireApproved(claim, asking, finding.found);
    return finding;
  }

  /** What templates refer to is looked for on the same behalf, and noted as given like what was asked for. @throws Refused for a template without a value */
  async #fill(names: readonly string[], behalf: Behalf, first: Finding): Promise<Finding> {
    if (![...first.found.values()].some(({ isTemplate }) => isTemplate)) return first;
    const found = new Map(first.found);
    const held = [...first.held];
    const asked = new Set(names);
    for (let open = openReferences(found, asked); open.length > 0; open = openReferences(found, asked)) {
      for (const name of open) asked.add(name);
      if (asked.size > names.length + LIMITS.names)
        throw new Refused('broken_template', `more than ${LIMITS.names} other secrets are referred to`);
      const more = await this.#look(open, behalf);
      held.push(...more.held);
      for (const one of more.found) found.set(...one);
    }
    return { ...first, found: filled(found), held };
  }

  async #look(names: readonly string[], behalf: Behalf): Promise<Finding> {
    const to = grantedTo(behalf);
    const held = to ? await heldBy(this.database, to, names) : [];
    const rest = names.filter((name) => !held.some((grant) => grant.name === name));
    const found = new Map<string, Resolved>();
    for (const one of await this.#again(held, behalf)) found.set(...one);
    if (behalf.purpose !== 'provider') {
      if (rest.length > 0) for (const one of await this.chain.find(rest, askerOf(behalf))) found.set(...one);
      return { found, held, ...(to ? { to } : {}) };
    }
    // Policies are about whom runs are paid by; webhooks are proven with what the house itself keeps.
    const policy = behalf.webhooks ? 'shared' : await policyOf(this.database, behalf.provider);
    const people = behalf.on_behalf ? peopleOf(behalf.on_behalf) : {};
    const places = placesOfProvider(policy, people, this.config.LINECLEAR_SECRETS_SOURCES);
    if (rest.length > 0)
      for (const one of await this.chain.find(rest, { purpose: 'provider', places })) found.set(...one);
    const none = rest.find((name) => !found.has(name));
    const refusal =
      none === undefined || policy === 'user_then_shared' || policy === 'shared'
        ? {}
        : { refusal: new Refused('no_provider_credential', noneFound(policy, behalf.provider, none)) };
    return { found, held, ...(to ? { to } : {}), ...refusal };
  }

  /** Notes what is given out, in the transaction that says so in the log. @throws GivenMeanwhile */
  async keep(tx: Tx, { to, held, found }: Finding): Promise<void> {
    if (!to) return;
    const before = new Map(held.map((grant) => [grant.name, grant]));
    const added = [...found].flatMap(([name, { source, scope, version }]) =>
      before.has(name) ? [] : [{ name, source, scope, version }],
    );
    if (added.length > 0 && (await addGrants(tx, to, this.clock.now(), added)) < added.length)
      throw new GivenMeanwhile('another replica gave this attempt its secrets');
    // The provider's credential was set anew, or is not taken any more as it was: all runs that have it go on with the new one.
    for (const [name, { version }] of found) {
      const grant = before.get(name);
      if (to.purpose === 'provider' && grant && grant.version !== version)
        await moveGrants(tx, to.purpose, grant, version);
    }
  }

  /** The same as before. Of a job's own secrets exactly that; a credential of a provider may have been set anew since. */
  async #again(held: readonly HeldGrant[], behalf: Behalf): Promise<Map<string, Resolved>> {
    const found = new Map<string, Resolved>();
    // Names of one place are asked for together, so that a source gives what belongs together.
    const current = new Map<string, HeldGrant[]>();
    for (const grant of held) {
      const { name, source, scope } = grant;
      const version = versionFor(grant, behalf);
      if (version === 'current' || source !== 'store') {
        const place = `${source} ${scope}`;
        current.set(place, [...(current.get(place) ?? []), grant]);
        continue;
      }
      const kept = await this.store.findVersion(scope, name, version);
      if (kept) found.set(name, { ...kept, source, scope });
    }
    for (const grants of current.values()) {
      const { source, scope } = grants[0]!;
      const names = grants.map(({ name }) => name);
      for (const one of await this.chain.findIn({ source, scope }, names, askerOf(behalf))) found.set(...one);
    }
    return found;
  }
}

const openReferences = (found: ReadonlyMap<string, Resolved>, asked: ReadonlySet<string>): string[] =>
  [...found.values()]
    .flatMap(({ value, isTemplate }) => (isTemplate ? referencesIn(value.reveal()) : []))
    .filter((name, n, all) => !asked.has(name) && all.indexOf(name) === n);

/** The same, with the values of templates filled in. @throws Refused */
function filled(found: ReadonlyMap<string, Resolved>): ReadonlyMap<string, Resolved> {
  const texts = new Map(
    [...found].map(([name, { value, isTemplate = false }]) => [name, { text: value.reveal(), isTemplate }]),
  );
  try {
    const values = expand([...found.keys()], texts);
    return new Map(
      [...found].map(([name, one]) => [name, { ...one, value: new Secret(values.get(name) ?? '') }]),
    );
  } catch (cause) {
    if (!(cause instanceof BrokenTemplate)) throw cause;
    throw new Refused('broken_template', cause.message);
  }
}

function versionFor(grant: HeldGrant, behalf: Behalf): number | 'current' {
  if (behalf.purpose !== 'provider') return grant.version ?? 'current';
  if (grant.version !== null && grant.version === behalf.on_behalf?.refused_version) return 'current';
  return versionToGoOnWith(grant);
}

function grantedTo(behalf: Behalf): GrantedTo | undefined {
  const job =
    behalf.purpose === 'run' ? behalf : behalf.purpose === 'provider' ? behalf.on_behalf : undefined;
  if (!job || behalf.purpose === 'channel') return undefined;
  const { job_id: jobId, attempt, user_id: userId, org_id: orgId = null } = job;
  return { jobId, attempt, purpose: behalf.purpose, userId, orgId };
}

const peopleOf = ({
  user_id,
  team_id,
  org_id,
}: NonNullable<Extract<Behalf, { purpose: 'provider' }>['on_behalf']>): People => ({
  userId: user_id,
  teamId: team_id,
  orgId: org_id,
});

function askerOf(behalf: Behalf): Asker {
  switch (behalf.purpose) {
    case 'run':
      return {
        purpose: 'run',
        of: { jobId: behalf.job_id, attempt: behalf.attempt },
        ...peopleOf(behalf),
      };
    case 'provider':
    case 'channel':
      return { purpose: behalf.purpose };
  }
}
