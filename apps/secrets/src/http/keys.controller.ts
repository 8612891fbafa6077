import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Allow, Who } from '@lineclear/access';
import type { Principal } from '@lineclear/contracts';
import { Answers, Database } from '@lineclear/kit';
import { z } from 'zod';
import { KEY_WORKS, latestWorks, type KeyWork } from '../db/key-works.repo.js';
import { kekUses } from '../db/keys.repo.js';
import { KeepHouse } from '../jobs/keep-house.js';
import { KeyWorks } from '../keys/key-works.js';

const LATEST = 10;

const workAnswer = z.object({
  id: z.int(),
  /** `rewrap` wraps the data keys anew, `reencrypt` the values too. */
  kind: z.enum(KEY_WORKS),
  started_at: z.iso.datetime(),
  ended_at: z.iso.datetime().optional(),
  started_by: z.int().optional(),
  /** How many values there were when it began. */
  total: z.int(),
  done: z.int(),
  /** Values that do not open with the keys that are here. They stay as they are, and so does the key they name. */
  failed: z.int(),
});
const keysAnswer = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      version: z.int(),
      /** The key that wraps this one: `local:…`, `aws-kms:…` or `vault-transit:…`. */
      root: z.string(),
      created_at: z.iso.datetime(),
      is_current: z.boolean(),
      /** How many values' data keys it wraps. */
      records: z.int(),
    }),
  ),
  works: z.array(workAnswer),
});

/** The keys that secrets are encrypted with. None of them is ever told. */
@Controller('api/secrets/-/keys')
export class KeysController {
  constructor(
    private readonly keyWorks: KeyWorks,
    private readonly house: KeepHouse,
    private readonly database: Database,
  ) {}

  @Get()
  @Allow('admin.config')
  @Answers(200, keysAnswer, 'Lists the key-encryption keys, newest first, and the latest works on them')
  async list(): Promise<z.infer<typeof keysAnswer>> {
    const [keys, works] = await Promise.all([kekUses(this.database), latestWorks(this.database, LATEST)]);
    return {
      keys: keys.map(({ id, version, root_id, created_at, records }, index) => ({
        id,
        version,
        root: root_id,
        created_at: created_at.toISOString(),
        is_current: index === 0,
        records,
      })),
      works: works.map(workView),
    };
  }

  @Post('rotate')
  @HttpCode(202)
  @Allow('admin.config')
  @Answers(202, workAnswer, 'Makes a new key-encryption key and begins to wrap all data keys with it')
  async rotate(@Who() who: Principal): Promise<z.infer<typeof workAnswer>> {
    return this.#begun(await this.keyWorks.rotate(who.user_id));
  }

  @Post('reencrypt')
  @HttpCode(202)
  @Allow('admin.config')
  @Answers(202, workAnswer, 'Begins to encrypt every value anew, for when a data key may be known')
  async reencrypt(@Who() who: Principal): Promise<z.infer<typeof workAnswer>> {
    return this.#begun(await this.keyWorks.reencrypt(who.user_id));
  }

  async #begun(work: KeyWork): Promise<z.infer<typeof workAnswer>> {
    await this.house.soon();
    return workView(work);
  }
}

const workView = (work: KeyWork): z.infer<typeof workAnswer> => ({
  id: work.id,
  kind: work.kind,
  started_at: work.started_at.toISOString(),
  ...(work.ended_at === null ? {} : { ended_at: work.ended_at.toISOString() }),
  ...(work.started_by === null ? {} : { started_by: work.started_by }),
  total: work.total,
  done: work.done,
  failed: work.failed,
});
