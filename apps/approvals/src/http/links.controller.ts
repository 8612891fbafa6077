import { Body, Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ChangesNothing, Public, refuseOtherSites } from '@lineclear/access';
import { Answers, BadInput, CONFIG } from '@lineclear/kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import { REQUEST_STATUSES, type ApprovalRequest } from '../domain/approval-request.js';
import { Links } from '../links.js';
import { LINK_PAGE } from './link-page.js';

const token = z.string().regex(/^[a-z2-7]{32}$/, 'is not the token of a link');
const showBody = z.strictObject({ token });
const decideBody = z.strictObject({
  token,
  nonce: z.string().min(1).max(64),
  decision: z.enum(['approve', 'reject']),
  comment: z.string().trim().max(2_000).default(''),
});
const showAnswer = z.object({
  request_id: z.uuid(),
  /** What is asked, as it is to be shown. */
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
  /** Then the decision is made where somebody is logged in. */
  needs_login: z.boolean(),
  /** To decide by, once and for ten minutes; each look gives a new one. */
  nonce: z.string().optional(),
});
const decideAnswer = z.object({ request_id: z.uuid(), status: z.enum(REQUEST_STATUSES) });

/** What the links of approval mails lead to. Whoever has the link may look; a GET and a look decide nothing. */
@Controller('api/approvals/links')
export class LinksController {
  constructor(
    private readonly links: Links,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @Public()
  @Answers(
    200,
    null,
    'The page that the link of an approval mail leads to, in HTML; looking at it decides nothing',
  )
  page(@Res({ passthrough: true }) reply: FastifyReply): string {
    return LINK_PAGE.answer(reply);
  }

  @Post('show')
  @HttpCode(200)
  @ChangesNothing()
  @Public()
  @Answers(200, showAnswer, 'Shows what the link of an approval mail asks, and gives what its decision takes')
  async show(
    @Req() http: FastifyRequest,
    @Body({ schema: showBody }) body: z.infer<typeof showBody>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof showAnswer>> {
    refuseOtherSites(http, this.config.PUBLIC_URL);
    void reply.header('cache-control', 'no-store');
    const { request, who, nonce } = await this.links.show(body.token);
    return {
      request_id: request.id,
      facts: factsOf(request, who.username),
      needs_login: nonce === undefined,
      ...(nonce !== undefined && { nonce }),
    };
  }

  @Post('decide')
  @HttpCode(200)
  @Public()
  @Answers(200, decideAnswer, 'Decides by the link of an approval mail, once')
  async decide(
    @Req() http: FastifyRequest,
    @Body({ schema: decideBody }) body: z.infer<typeof decideBody>,
  ): Promise<z.infer<typeof decideAnswer>> {
    refuseOtherSites(http, this.config.PUBLIC_URL);
    const { decision, comment } = body;
    if (decision === 'reject' && comment === '') throw BadInput.at('comment', 'is missing: say why');
    const { id, status } = await this.links.decide(body.token, body.nonce, {
      status: decision === 'approve' ? 'approved' : 'rejected',
      notes: comment === '' ? null : comment,
    });
    return { request_id: id, status };
  }
}

const factsOf = (request: ApprovalRequest, asked: string): { name: string; value: string }[] =>
  [
    ['Asked of', asked],
    ['Asked by', request.username],
    ['Config', request.configName],
    ['Hardware', `${request.hardware} (${request.provider})`],
    ['Estimated cost', `$${request.estimatedCostUsd.toFixed(2)}`],
    ['Rule', request.ruleName],
    ['Why', request.reason],
    ['Waits until', request.expiresAt.toISOString()],
    ['Job', request.jobId],
  ].map(([name, value]) => ({ name: name!, value: value! }));
