import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { Allow, Public, refuseOtherSites, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, CONFIG, Database, NotFound } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { listLinks } from '../db/secret-links.repo.js';
import { findSecretId } from '../db/secrets.repo.js';
import { OneTimeLinks } from '../store/one-time-links.js';
import { LINK_PAGE } from './link-page.js';
import { scopeOf } from './scopes.js';
import { nameParam, scopeQuery, settableNameParam, whose } from './secret-schemas.js';

const DAY_SECONDS = 86_400;
const MAX_LISTED = 100;

const linkBody = z.strictObject({
  ...whose,
  expires_in_seconds: z
    .int()
    .min(60)
    .max(30 * DAY_SECONDS)
    .default(DAY_SECONDS),
});
const linkAnswer = z.object({
  id: z.int(),
  /** Told once. The token is behind the #, which browsers send to nobody. */
  url: z.string(),
  version: z.int(),
  expires_at: z.iso.datetime(),
});
const linksAnswer = z.object({
  links: z.array(
    z.object({
      id: z.int(),
      version: z.int(),
      created_by: z.int(),
      created_at: z.iso.datetime(),
      expires_at: z.iso.datetime(),
      opened_at: z.iso.datetime().optional(),
    }),
  ),
});
const idParam = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'is not an id')
  .transform(Number);
const openBody = z.strictObject({
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'is not the token of a link'),
});
const openAnswer = z.object({ name: z.string(), value: z.string() });

/** Links by which a value is handed over once. */
@Controller('api/secrets')
export class LinksController {
  constructor(
    private readonly links: OneTimeLinks,
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post(':name/links')
  @Allow()
  @Answers(201, linkAnswer, 'Makes a link that shows the value of a secret once, to whoever opens it')
  async make(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: linkBody }) body: z.infer<typeof linkBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof linkAnswer>> {
    const which = { scope: scopeOf(who, body, 'set'), name, byUserId: who.user_id };
    const { id, token, version, expiresAt } = await this.links.make(which, body.expires_in_seconds);
    const url = `${this.config.PUBLIC_URL.replace(/\/$/, '')}/api/secrets/-/links#${token}`;
    return { id, url, version, expires_at: expiresAt.toISOString() };
  }

  @Get(':name/links')
  @Allow()
  @Answers(200, linksAnswer, 'Lists the latest links of a secret, newest first, without their tokens')
  async list(
    @Param('name', { schema: nameParam }) name: string,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof linksAnswer>> {
    const found = await findSecretId(this.database, scopeOf(who, query, 'set'), name);
    if (!found) throw new NotFound('secret', name);
    const links = await listLinks(this.database, found.id, MAX_LISTED);
    return {
      links: links.map(({ created_at, expires_at, opened_at, ...rest }) => ({
        ...rest,
        created_at: created_at.toISOString(),
        expires_at: expires_at.toISOString(),
        ...(opened_at === null ? {} : { opened_at: opened_at.toISOString() }),
      })),
    };
  }

  @Delete(':name/links/:id')
  @Allow()
  @Answers(204, null, 'Takes back a link that nobody has opened')
  async revoke(
    @Param('name', { schema: settableNameParam }) name: string,
    @Param('id', { schema: idParam }) id: number,
    @Query({ schema: scopeQuery }) query: z.infer<typeof scopeQuery>,
    @Who() who: Principal,
  ): Promise<void> {
    await this.links.revoke({ scope: scopeOf(who, query, 'set'), name }, id);
  }

  @Get('-/links')
  @Public()
  @Answers(200, null, 'The page that a link leads to, in HTML; looking at it opens nothing')
  page(@Res({ passthrough: true }) reply: FastifyReply): string {
    return LINK_PAGE.answer(reply);
  }

  @Post('-/links/open')
  @HttpCode(200)
  @Public()
  @Answers(200, openAnswer, 'Gives the value behind a link, once')
  async open(
    @Req() http: FastifyRequest,
    @Body({ schema: openBody }) { token }: z.infer<typeof openBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof openAnswer>> {
    refuseOtherSites(http, this.config.PUBLIC_URL);
    void reply.header('cache-control', 'no-store');
    const { name, value } = await this.links.open(token);
    return { name, value: value.reveal() };
  }
}
