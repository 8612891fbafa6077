import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { Allow, audited, hashToken, Who } from '@lineclear/access';
import { Bus } from '@lineclear/bus';
import type { Principal } from '@lineclear/contracts';
import { Answers, BadInput, Clock, Database, NotFound } from '@lineclear/kit';
import { z } from 'zod';
import type { SlackLinkRow } from '../db/slack-link.entity.js';
import { countLinks, deleteLink, insertLink, linksOf, spendCode } from '../db/slack-links.repo.js';
import { idParam, pageQuery, type Page } from './page.js';

const linkBody = z.strictObject({ code: z.string().trim().min(1).max(100) });
const linkAnswer = z.object({
  id: z.int(),
  channel_id: z.int(),
  slack_team_id: z.string(),
  slack_user_id: z.string(),
  slack_name: z.string(),
  created_at: z.iso.datetime(),
});
const linksAnswer = z.object({
  links: z.array(linkAnswer),
  total: z.int(),
  next_cursor: z.int().optional(),
});

/** Whom in Slack the caller is. */
@Controller('api/cloud/notifications/slack/links')
export class SlackLinksController {
  constructor(
    private readonly database: Database,
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Allow()
  @Answers(200, linksAnswer, 'Lists whom in Slack the caller is')
  async list(
    @Query({ schema: pageQuery }) { limit, cursor }: Page,
    @Who() { user_id }: Principal,
  ): Promise<z.infer<typeof linksAnswer>> {
    const links = await linksOf(this.database, user_id, limit, cursor);
    const last = links.at(-1);
    return {
      links: links.map(showLink),
      total: await countLinks(this.database, user_id),
      ...(last && links.length === limit ? { next_cursor: last.id } : {}),
    };
  }

  @Post()
  @Allow('admin.approve', { ownCredential: true })
  @Answers(
    201,
    linkAnswer,
    'Says that the caller is who was given this code in Slack: what they press there counts as theirs',
  )
  async link(
    @Body({ schema: linkBody }) { code }: z.infer<typeof linkBody>,
    @Who() { user_id }: Principal,
  ): Promise<z.infer<typeof linkAnswer>> {
    return this.database.tx(async (tx) => {
      const whose = await spendCode(tx, hashToken(code), this.clock.now());
      if (!whose) throw BadInput.at('code', 'is not a code that is good now');
      const link = await insertLink(tx, whose, user_id);
      await this.bus.publish(tx, audited('slack.linked', toldOf(link)));
      return showLink(link);
    });
  }

  @Delete(':id')
  @Allow()
  @Answers(204, null, 'Ends that the caller is somebody in Slack')
  async remove(@Param('id', { schema: idParam }) id: number, @Who() { user_id }: Principal): Promise<void> {
    await this.database.tx(async (tx) => {
      const link = await deleteLink(tx, user_id, id);
      if (!link) throw new NotFound('link to Slack', id);
      await this.bus.publish(tx, audited('slack.unlinked', toldOf(link)));
    });
  }
}

const showLink = (row: SlackLinkRow): z.infer<typeof linkAnswer> => ({
  id: row.id,
  channel_id: row.channel_id,
  slack_team_id: row.team_id,
  slack_user_id: row.slack_user_id,
  slack_name: row.slack_name,
  created_at: row.created_at.toISOString(),
});

const toldOf = ({ user_id, channel_id, team_id, slack_user_id }: SlackLinkRow) => ({
  target: `user/${user_id}`,
  details: { channel_id, team_id, slack_user_id },
});
