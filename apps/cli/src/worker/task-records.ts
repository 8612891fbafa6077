import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunFolder } from '@lineclear/processes';
import { z } from 'zod';
import { parseJson } from '../own-files.js';

const record = z.object({
  id: z.string(),
  lease: z.string(),
  job_id: z.string(),
  max_runtime_seconds: z.number().nullable(),
  /** When its command was started, in ms; null before. */
  started_at: z.number().nullable(),
  /** Why we stopped it ourselves. */
  stopped_for: z.enum(['worker', 'max_runtime']).nullable(),
  /** How much of its output the server has: in bytes of the file, and in characters. */
  log_bytes: z.number(),
  log_chars: z.number(),
});
export type TaskRecord = z.infer<typeof record>;

/** What is known of the tasks that this worker has, on the disk: it goes on with them when it is started again. No value of a secret is in it. */
export class TaskRecords {
  readonly #tasks: string;
  readonly #runs: string;

  constructor(folder: string) {
    this.#tasks = join(folder, 'tasks');
    this.#runs = join(folder, 'runs');
  }

  async all(): Promise<TaskRecord[]> {
    await mkdir(this.#tasks, { recursive: true, mode: 0o700 });
    const files = (await readdir(this.#tasks)).filter((name) => name.endsWith('.json'));
    const records = await Promise.all(
      files.map(async (name) => record.safeParse(parseJson(await readFile(join(this.#tasks, name), 'utf8')))),
    );
    return records.flatMap(({ data }) => (data ? [data] : []));
  }

  async write(one: TaskRecord): Promise<void> {
    const path = this.#pathOf(one);
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(one));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  async remove(one: TaskRecord): Promise<void> {
    await rm(this.#pathOf(one), { force: true });
  }

  /** Where its process is known by, and its output is. */
  folderOf({ id }: Pick<TaskRecord, 'id'>): RunFolder {
    return new RunFolder(join(this.#runs, id));
  }

  #pathOf({ lease }: TaskRecord): string {
    return join(this.#tasks, `${lease}.json`);
  }
}
