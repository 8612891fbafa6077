import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Allow, can, Who } from '@lineclear/access';
import { sealedBox, type Principal } from '@lineclear/contracts';
import { Answers, BadInput, Database, NotAllowed, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import { countGlassBreaks, listGlassBreaks, type GlassBreak } from '../db/glass-breaks.repo.js';
import { glassScopes } from '../domain/break-glass.js';
import { readScope, SCOPES, scopeText, userScope } from '../domain/scopes.js';
import { requireSealable } from '../requests/sealed-values.js';
import { GlassBreaks } from '../store/glass-breaks.js';
import { namedScope, publicScope } from './scopes.js';
import { idOf, settableNameParam, whose, yes } from './secret-schemas.js';

const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const sentence = z.string().trim().min(10).max(500);
const openBody = z.strictObject({
  ...whose,
  /** Whose, for the scope `user`; the caller's own without it. */
  user: idOf.optional(),
  reason: sentence,
  /** X25519 SPKI DER, base64: the asker's, made for this question. */
  public_key: z.string().max(200),
});
const told = {
  name: z.string(),
  scope: z.enum(SCOPES),
  team_id: z.int().optional(),
  org_id: z.int().optional(),
  user_id: z.int().optional(),
  version: z.int(),
  /** After which the value is handed to nobody, unless it is another one by then. */
  must_rotate_by: z.iso.datetime(),
};
const openAnswer = z.object({
  id: z.int(),
  ...told,
  /** A JSON object of the name and its value, sealed to the key. */
  box: sealedBox,
});
const listQuery = z.strictObject({
  /** Only those that nobody has looked at. */
  unreviewed: yes,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: id.optional(),
});
const listAnswer = z.object({
  openings: z.array(
    z.object({
      id: z.int(),
      ...told,
      reason: z.string(),
      by_user_id: z.int(),
      by: z.string(),
      at: z.iso.datetime(),
      /** Whether the value that was seen is not the current one any more. */
      rotated: z.boolean(),
      reviewed: z
        .object({ by_user_id: z.int(), by: z.string(), at: z.iso.datetime(), note: z.string() })
        .optional(),
    }),
  ),
  total: z.int(),
  next_cursor: z.int().optional(),
});
const reviewBody = z.strictObject({ note: sentence });

/** The way to a value in an emergency, and who has gone it. */
@Controller('api/secrets')
export class BreakGlassController {
  constructor(
    private readonly glass: GlassBreaks,
    private readonly database: Database,
  ) {}

  @Post(':name/break-glass')
  @HttpCode(200)
  @Allow('admin.config')
  @Answers(
    200,
    openAnswer,
    'Gives the value of a secret in an emergency, sealed; it has to be changed soon after',
  )
  async open(
    @Param('name', { schema: settableNameParam }) name: string,
    @Body({ schema: openBody }) body: z.infer<typeof openBody>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof openAnswer>> {
    const scope = glassScopeOf(who, body);
    requireSealable(body.public_key);
    const by = { userId: who.user_id, username: who.username };
    const opened = await this.glass.open(scope, name, body.reason, by, body.public_key);
    return {
      id: opened.id,
      name,
      ...whoseOf(scope),
      version: opened.version,
      must_rotate_by: opened.mustRotateBy.toISOString(),
      box: opened.box,
    };
  }

  @Get('-/break-glass')
  @Allow()
  @Answers(200, listAnswer, 'Lists which secrets were given out in an emergency, newest first')
  async list(
    @Query({ schema: listQuery }) query: z.infer<typeof listQuery>,
    @Who() who: Principal,
  ): Promise<z.infer<typeof listAnswer>> {
    // Everybody hears of what was taken of their own.
    const seen = can(who, 'admin.config') ? glassScopes(who) : [userScope(who.user_id)];
    const filter = { scopes: seen === 'all' ? undefined : seen, unreviewed: query.unreviewed };
    const [found, total] = await Promise.all([
      listGlassBreaks(this.database, filter, { before: query.cursor, limit: query.limit + 1 }),
      countGlassBreaks(this.database, filter),
    ]);
    const page = found.slice(0, query.limit);
    const last = found.length > query.limit ? page.at(-1) : undefined;
    return { openings: page.map(shown), total, ...(last ? { next_cursor: last.id } : {}) };
  }

  @Post('-/break-glass/:id/review')
  @HttpCode(204)
  @Allow('admin.config')
  @Answers(204, null, 'Notes that somebody else than who opened it has looked at an opening')
  async review(
    @Param('id', { schema: id }) opening: number,
    @Body({ schema: reviewBody }) { note }: z.infer<typeof reviewBody>,
    @Who() who: Principal,
  ): Promise<void> {
    const by = { userId: who.user_id, username: who.username };
    await this.glass.review(opening, glassScopes(who), note, by);
  }
}

/** The scope that is to be opened, as it is stored. @throws BadInput, NotFound for what is outside of the caller's reach, NotAllowed */
function glassScopeOf(who: Principal, { user, ...rest }: z.infer<typeof openBody>): string {
  if (user !== undefined && rest.scope !== 'user') throw BadInput.at('user', 'is for scope "user"');
  const scope = rest.scope === 'user' ? userScope(user ?? who.user_id) : scopeText(namedScope(who, rest));
  const reach = glassScopes(who);
  if (reach === 'all' || reach.includes(scope)) return scope;
  if (rest.scope === 'global') throw new NotAllowed('this needs to look after all organizations');
  throw new NotFound(rest.scope === 'org' ? 'organization' : rest.scope, user ?? rest.team ?? rest.org ?? '');
}

function whoseOf(text: string): Pick<GlassBreakShown, 'scope' | 'team_id' | 'org_id' | 'user_id'> {
  const scope = readScope(text);
  return { ...publicScope(text), ...(scope.kind === 'user' ? { user_id: scope.id } : {}) };
}

type GlassBreakShown = z.infer<typeof listAnswer>['openings'][number];

const shown = (one: GlassBreak): GlassBreakShown => ({
  id: one.id,
  name: one.name,
  ...whoseOf(one.scope),
  version: one.version,
  reason: one.reason,
  by_user_id: one.by_user,
  by: one.by_name,
  at: one.at.toISOString(),
  must_rotate_by: one.must_rotate_by.toISOString(),
  rotated: one.rotated,
  ...(one.reviewed_at === null
    ? {}
    : {
        reviewed: {
          by_user_id: one.reviewed_by ?? 0,
          by: one.reviewer ?? '',
          at: one.reviewed_at.toISOString(),
          note: one.review_note ?? '',
        },
      }),
});
