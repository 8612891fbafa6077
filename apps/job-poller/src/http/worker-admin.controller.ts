import { Body, Controller, Delete, Get, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { Answers, CONFIG, type Secret } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Config } from '../config.js';
import { ManageWorkers } from '../workers/manage-workers.js';
import {
  changedWorker,
  newWorker,
  removal,
  removedWorker,
  viewOf,
  workerId,
  workerList,
  workerToken,
} from './worker-fields.js';

/** The machines that may come for jobs. Whoever makes one can read the secrets of jobs: `admin.config` is for admins. */
@Controller('api/admin/workers')
export class WorkerAdminController {
  constructor(
    private readonly manage: ManageWorkers,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, workerList, 'Lists the workers, how each is and what it has')
  async list(): Promise<z.infer<typeof workerList>> {
    const workers = (await this.manage.all()).map(viewOf);
    return { workers, total: workers.length };
  }

  @Post()
  @Allow('admin.config')
  @Answers(201, workerToken, 'Makes a worker; its token is shown this once')
  async create(
    @Body({ schema: newWorker }) body: z.infer<typeof newWorker>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof workerToken>> {
    const { id, token } = await this.manage.create(body);
    return this.#shown(id, token, reply);
  }

  @Post(':id/token')
  @Allow('admin.config')
  @Answers(200, workerToken, 'Gives a worker another token; the one before is nobody’s at once')
  async rotate(
    @Param('id', { schema: workerId }) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof workerToken>> {
    return this.#shown(id, await this.manage.newTokenOf(id), reply);
  }

  @Post(':id/drain')
  @Allow('admin.config')
  @Answers(200, changedWorker, 'Lets a worker finish what it has, and gives it nothing more')
  async drain(@Param('id', { schema: workerId }) id: string): Promise<z.infer<typeof changedWorker>> {
    await this.manage.setDraining(id, true);
    return { worker_id: id, draining: true };
  }

  @Post(':id/resume')
  @Allow('admin.config')
  @Answers(200, changedWorker, 'Gives a drained worker tasks again')
  async resume(@Param('id', { schema: workerId }) id: string): Promise<z.infer<typeof changedWorker>> {
    await this.manage.setDraining(id, false);
    return { worker_id: id, draining: false };
  }

  @Delete(':id')
  @Allow('admin.config')
  @Answers(200, removedWorker, 'Removes a worker that has no task, or with `force` any: it is told to stop')
  async remove(
    @Param('id', { schema: workerId }) id: string,
    @Query({ schema: removal }) { force }: z.infer<typeof removal>,
  ): Promise<z.infer<typeof removedWorker>> {
    await this.manage.remove(id, force);
    return { worker_id: id, removed: true };
  }

  #shown(id: string, token: Secret, reply: FastifyReply): z.infer<typeof workerToken> {
    void reply.header('cache-control', 'no-store');
    return {
      worker_id: id,
      token: token.reveal(),
      connection_command: `lineclear worker --server ${this.config.PUBLIC_URL} --token-file worker.token`,
    };
  }
}
