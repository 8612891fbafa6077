import { Injectable } from '@nestjs/common';
import { hashToken } from '@lineclear/access';
import { AppError, Database, NotAuthenticated } from '@lineclear/kit';
import { WorkersRepo, type Worker } from '../db/workers.repo.js';

/** The worker was removed: it is to stop what it runs, and to end. */
class Gone extends AppError {
  readonly status = 410;
  readonly code = 'gone';
  readonly title = 'Not there any more';
}

/** Knows workers by their tokens, of which only the digests are stored. */
@Injectable()
export class WorkerDoor {
  constructor(
    private readonly database: Database,
    private readonly workers: WorkersRepo,
  ) {}

  /** @throws NotAuthenticated, Gone */
  async letIn(token: string | undefined): Promise<Worker> {
    const worker = token ? await this.workers.ofToken(this.database, hashToken(token)) : undefined;
    if (!worker) throw new NotAuthenticated('a valid token of a worker is needed');
    if (worker.isRemoved) throw new Gone('this worker was removed');
    return worker;
  }
}
