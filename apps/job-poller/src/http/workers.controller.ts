import { Body, Controller, Headers, Inject, Param, Post, Res } from '@nestjs/common';
import { ChangesNothing, nothingChanged, Public } from '@lineclear/access';
import { Answers, CONFIG } from '@lineclear/kit';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Config } from '../config.js';
import { GiveTask } from '../workers/give-task.js';
import { ManageWorkers } from '../workers/manage-workers.js';
import { TaskReports } from '../workers/task-reports.js';
import { WorkerDoor } from '../workers/worker-door.js';
import {
  accepted,
  handed,
  heard,
  heartbeat,
  output,
  outputTaken,
  registered,
  registration,
  report,
  taken,
  takeOrder,
  taskId,
} from './worker-fields.js';

const TOKEN = 'x-worker-token';

/** What workers say. They show their own tokens, and are nobody to the rest of the house. */
@Controller('api/workers')
export class WorkersController {
  constructor(
    private readonly door: WorkerDoor,
    private readonly manage: ManageWorkers,
    private readonly tasks: GiveTask,
    private readonly reports: TaskReports,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post('register')
  @Public()
  @Answers(200, registered, 'Introduces a worker, and tells it how often to be heard of')
  async register(
    @Headers(TOKEN) token: string | undefined,
    @Body({ schema: registration }) { labels: ownLabels, ...said }: z.infer<typeof registration>,
  ): Promise<z.infer<typeof registered>> {
    const worker = await this.door.letIn(token);
    await this.manage.introduce(worker, { ...said, ownLabels });
    return {
      worker_id: worker.id,
      name: worker.name,
      provider: worker.provider,
      heartbeat_seconds: this.config.LINECLEAR_WORKER_HEARTBEAT_SECONDS,
      offline_seconds: this.config.LINECLEAR_WORKER_OFFLINE_SECONDS,
    };
  }

  @Post('heartbeat')
  @ChangesNothing()
  @Public()
  @Answers(200, heard, 'Says that a worker is there, and which of its tasks it is to stop or to abandon')
  async heartbeat(
    @Headers(TOKEN) token: string | undefined,
    @Body({ schema: heartbeat }) { tasks, draining }: z.infer<typeof heartbeat>,
  ): Promise<z.infer<typeof heard>> {
    const believed = tasks.map(({ id, lease }) => ({ id, leaseId: lease }));
    return this.reports.heard(await this.door.letIn(token), believed, draining);
  }

  @Post('take')
  @Public()
  @Answers(
    200,
    taken,
    'Waits for a task and hands it over, with the values of its secrets; null when none came',
  )
  async take(
    @Headers(TOKEN) token: string | undefined,
    @Body({ schema: takeOrder }) { held }: z.infer<typeof takeOrder>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof taken>> {
    const worker = await this.door.letIn(token);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    void reply.header('cache-control', 'no-store');
    const waitMs = this.config.LINECLEAR_WORKER_POLL_SECONDS * 1_000;
    const task = await this.tasks.next(worker, held, waitMs, gone.signal);
    return { task: task && handed(task) };
  }

  @Post('tasks/:id/status')
  @Public()
  @Answers(200, accepted, 'Says that a task begins, how it ended, or that it was not begun and is given back')
  async status(
    @Headers(TOKEN) token: string | undefined,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: report }) body: z.infer<typeof report>,
  ): Promise<z.infer<typeof accepted>> {
    const worker = await this.door.letIn(token);
    const held = { id, leaseId: body.lease };
    // The events of its run tell of it.
    nothingChanged();
    if (body.state === 'running') await this.reports.begins(worker, held);
    else if (body.state === 'returned') await this.reports.putBack(worker, held);
    else {
      const { state, exit_code: exitCode, message } = body;
      await this.reports.ended(worker, held, { state, exitCode, message });
    }
    return { accepted: true };
  }

  @Post('tasks/:id/log')
  @ChangesNothing()
  @Public()
  @Answers(200, outputTaken, 'Takes a part of the output of a task, and tells how much of it was taken')
  async log(
    @Headers(TOKEN) token: string | undefined,
    @Param('id', { schema: taskId }) id: string,
    @Body({ schema: output }) { lease, is_final: isFinal, ...said }: z.infer<typeof output>,
  ): Promise<z.infer<typeof outputTaken>> {
    const worker = await this.door.letIn(token);
    return this.reports.output(worker, { id, leaseId: lease }, { ...said, isFinal });
  }
}
