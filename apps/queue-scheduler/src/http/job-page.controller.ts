import { Controller, Get, Param, Res } from '@nestjs/common';
import { Public } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import { JOB_PAGE } from './job-page.js';

/** What mails and chats link to. */
@Controller('jobs')
export class JobPageController {
  @Get(':job')
  @Public()
  @Answers(200, null, 'The page that shows a job to whoever is logged in and may see it, in HTML')
  page(
    @Param('job', { schema: fields.jobId }) _: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): string {
    return JOB_PAGE.answer(reply);
  }
}
