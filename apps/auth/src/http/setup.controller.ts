import { Body, Controller, Get, Inject, Post, Req } from '@nestjs/common';
import { Public, refuseNamedSites, refuseOtherSites } from '@lineclear/access';
import { Answers, CONFIG, Database, isFromThisMachine, NotAllowed } from '@lineclear/kit';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Config } from '../config.js';
import * as users from '../db/users.repo.js';
import { FirstAdmin } from '../people/first-admin.js';
import { displayName, email, newPassword, username } from './fields.js';
import { userSchema, userView } from './user-view.js';

const status = z.object({ needs_setup: z.boolean(), has_admin: z.boolean(), user_count: z.int() });
const firstAdmin = z.strictObject({
  email,
  username,
  password: newPassword,
  display_name: displayName.optional(),
});

/** The very first start: nobody is there yet who could let anybody in. */
@Controller('api/auth/setup')
export class SetupController {
  constructor(
    private readonly database: Database,
    private readonly firstAdmin: FirstAdmin,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('status')
  @Public()
  @Answers(200, status, 'Tells whether the first admin has yet to be made')
  async status(): Promise<z.infer<typeof status>> {
    const counts = await users.counts(this.database);
    return { needs_setup: counts.people === 0, has_admin: counts.admins > 0, user_count: counts.users };
  }

  @Post('first-admin')
  @Public()
  @Answers(
    201,
    z.object({ user: userSchema }),
    'Makes the first admin, from this machine and only while there are no users',
  )
  async create(
    @Req() request: FastifyRequest,
    @Body({ schema: firstAdmin }) body: z.infer<typeof firstAdmin>,
  ): Promise<object> {
    refuseOtherSites(request, this.config.PUBLIC_URL);
    refuseNamedSites(request, this.config.PUBLIC_URL);
    if (!isFromThisMachine(request)) throw new NotAllowed('the first admin is made from the machine itself');
    return { user: userView(await this.firstAdmin.create({ ...body, displayName: body.display_name })) };
  }
}
