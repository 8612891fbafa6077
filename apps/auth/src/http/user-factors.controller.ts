import { Controller, Delete, Param } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { ManageUsers } from '../people/manage-users.js';
import { rowId } from './fields.js';

const success = z.object({ success: z.literal(true) });

/** For a person who has lost theirs, by those who look after people. */
@Controller('api/users/:id/factors')
export class UserFactorsController {
  constructor(private readonly manage: ManageUsers) {}

  @Delete()
  @Allow('admin.users')
  @Answers(200, success, 'Removes all of a user’s second factors and ends their sessions')
  async remove(
    @Who() caller: Principal,
    @Param('id', { schema: rowId }) userId: number,
  ): Promise<z.infer<typeof success>> {
    await this.manage.removeFactors(caller, userId);
    return { success: true };
  }
}
