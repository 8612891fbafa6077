import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Clock, Database, NotAllowed, NotFound } from '@lineclear/kit';
import type { z } from 'zod';
import { credentialsOf, type ProviderCredential } from '../db/provider-credentials.repo.js';
import { STALE_AFTER_DAYS } from '../domain/freshness.js';
import { verdictOnPerson } from '../domain/scopes.js';
import { MAX_CREDENTIALS, OwnCredentials, type Whose } from '../providers/own-credentials.js';
import * as schemas from './credential-schemas.js';

type User = z.infer<typeof schemas.userParam>;
const DAY_MS = 86_400_000;

/** A person's own credentials of providers: set, checked, rotated, and never shown. `me` is the caller. */
@Controller('api/users/:id/credentials')
export class CredentialsController {
  constructor(
    private readonly credentials: OwnCredentials,
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow()
  @Answers(200, schemas.credentialsAnswer, "Lists a person's credentials of providers, without their values")
  async list(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.credentialsAnswer>> {
    const { userId } = whoseOf(who, id);
    const found = await credentialsOf(this.database, userId, MAX_CREDENTIALS);
    return { credentials: found.map((one) => this.#view(one)) };
  }

  @Get('stale')
  @Allow()
  @Answers(200, schemas.staleAnswer, "Lists a person's credentials whose values are older than so many days")
  async stale(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Query({ schema: schemas.staleQuery }) { days }: z.infer<typeof schemas.staleQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.staleAnswer>> {
    const { userId } = whoseOf(who, id);
    const found = await credentialsOf(this.database, userId, MAX_CREDENTIALS);
    const old = found
      .filter((one) => this.#ageDays(one) > days)
      .map((one) => ({ ...this.#view(one), days_old: Math.floor(this.#ageDays(one)) }));
    return { user_id: userId, threshold_days: days, stale_count: old.length, credentials: old };
  }

  @Post()
  @Allow()
  @Answers(
    201,
    schemas.credentialAnswer,
    'Keeps a credential of a provider, which the jobs of this person run on',
  )
  async add(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Body({ schema: schemas.addBody }) body: z.infer<typeof schemas.addBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.credentialAnswer>> {
    const whose = whoseOf(who, id);
    const { provider, credential_name: name, credential_value: value, description } = body;
    const added = await this.credentials.add({ ...whose, provider, name, value, description });
    return this.#view(await this.credentials.find(whose.userId, added));
  }

  @Patch(':cid')
  @Allow()
  @Answers(
    200,
    schemas.credentialAnswer,
    'Sets another value or description; runs under way use the new value too',
  )
  async edit(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Param('cid', { schema: schemas.idParam }) cid: number,
    @Body({ schema: schemas.editBody }) body: z.infer<typeof schemas.editBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.credentialAnswer>> {
    const whose = whoseOf(who, id);
    const { credential_value: value, description } = body;
    await this.credentials.edit(whose, cid, { value, description });
    return this.#view(await this.credentials.find(whose.userId, cid));
  }

  @Delete(':cid')
  @Allow()
  @Answers(204, null, 'Removes a credential: runs that were submitted with it get no other one')
  async remove(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Param('cid', { schema: schemas.idParam }) cid: number,
    @Who() who: Principal,
  ): Promise<void> {
    await this.credentials.remove(whoseOf(who, id), cid);
  }

  @Post(':cid/validate')
  @HttpCode(200)
  @Allow()
  @Answers(
    200,
    schemas.checkAnswer,
    'Asks the provider whether it takes the credential, where it can be asked',
  )
  async validate(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Param('cid', { schema: schemas.idParam }) cid: number,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.checkAnswer>> {
    const whose = whoseOf(who, id);
    const checked = await this.credentials.check(whose, cid);
    const { provider } = await this.credentials.find(whose.userId, cid);
    return { id: cid, provider, checked };
  }

  @Post(':cid/rotate')
  @HttpCode(200)
  @Allow()
  @Answers(
    200,
    schemas.rotateAnswer,
    'Makes a new value current once the provider takes it; older runs keep the old one',
  )
  async rotate(
    @Param('id', { schema: schemas.userParam }) id: User,
    @Param('cid', { schema: schemas.idParam }) cid: number,
    @Body({ schema: schemas.rotateBody }) body: z.infer<typeof schemas.rotateBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof schemas.rotateAnswer>> {
    const { version, previousVersion, checked } = await this.credentials.rotate(whoseOf(who, id), cid, body);
    return {
      id: cid,
      version,
      checked,
      ...(previousVersion === null ? {} : { previous_version: previousVersion }),
    };
  }

  #ageDays({ updated_at }: ProviderCredential): number {
    return (this.clock.now().getTime() - updated_at.getTime()) / DAY_MS;
  }

  #view(one: ProviderCredential): z.infer<typeof schemas.credentialAnswer> {
    const isCheckOfThis = one.checked !== null && one.checked_version === one.version;
    return {
      id: one.id,
      provider: one.provider,
      credential_name: one.name,
      ...(one.description ? { description: one.description } : {}),
      version: one.version,
      ...(one.previous_version === null ? {} : { previous_version: one.previous_version }),
      created_at: one.created_at.toISOString(),
      updated_at: one.updated_at.toISOString(),
      ...(one.last_used_at === null ? {} : { last_used_at: one.last_used_at.toISOString() }),
      ...(one.expires_at === null ? {} : { expires_at: one.expires_at.toISOString() }),
      is_active: one.expires_at === null || one.expires_at > this.clock.now(),
      is_stale: this.#ageDays(one) > STALE_AFTER_DAYS,
      checked: isCheckOfThis ? one.checked! : 'not_checked',
      ...(isCheckOfThis && one.checked_at ? { checked_at: one.checked_at.toISOString() } : {}),
    };
  }
}

/** @throws NotFound for a person who is none of the caller's business, NotAllowed */
function whoseOf(who: Principal, user: User): Whose {
  const userId = user === 'me' ? who.user_id : user;
  const verdict = verdictOnPerson(who, userId);
  if (verdict === 'allowed') return { userId, byUserId: who.user_id };
  if (verdict === 'not found') throw new NotFound('user', userId);
  throw new NotAllowed(`this needs ${verdict.lacks}`);
}
