import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Allow } from '@lineclear/access';
import { fields } from '@lineclear/contracts';
import { Answers } from '@lineclear/kit';
import { z } from 'zod';
import { MAX_VERIFIED, VerifyValues } from '../keys/verify-values.js';

const FIRST = { id: '00000000-0000-0000-0000-000000000000', version: 0 };

const cursor = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d{1,9}$/, 'is not a cursor');
const verifyBody = z
  .strictObject({
    /** How many versions, any of all, are tried; without it all are, call by call. */
    sample: z.int().min(1).max(MAX_VERIFIED).optional(),
    cursor: cursor.optional(),
  })
  .refine(({ sample, cursor: from }) => sample === undefined || from === undefined, {
    path: ['cursor'],
    message: 'is for all versions, not for a sample',
  });
const verifyAnswer = z.object({
  checked: z.int(),
  /** Versions that do not open. */
  failed: z.array(z.object({ name: fields.secretName, scope: z.string().max(60), version: z.int() })),
  /** How many versions each key-encryption key opened. */
  keys: z.record(z.string().max(80), z.int()),
  /** There is more to check: the next call takes this. */
  next_cursor: cursor.optional(),
});

/** Whether what is stored opens with the keys that are here. Tells no value. */
@Controller('api/secrets/-/verify')
export class VerifyController {
  constructor(private readonly values: VerifyValues) {}

  @Post()
  @HttpCode(200)
  @Allow('admin.config')
  @Answers(200, verifyAnswer, 'Decrypts stored values, all or a sample, and tells which do not open')
  async verify(
    @Body({ schema: verifyBody }) body: z.infer<typeof verifyBody>,
  ): Promise<z.infer<typeof verifyAnswer>> {
    const { sample } = body;
    const { checked, failed, keys, last } = await (sample === undefined
      ? this.values.after(startOf(body.cursor))
      : this.values.sample(sample));
    return {
      checked,
      failed: failed.map(({ name, scope, version }) => ({ name, scope, version })),
      keys: Object.fromEntries(keys),
      ...(last ? { next_cursor: `${last.id}:${last.version}` } : {}),
    };
  }
}

function startOf(from: string | undefined): typeof FIRST {
  const [id = FIRST.id, version = 0] = from?.split(':') ?? [];
  return { id, version: Number(version) };
}
