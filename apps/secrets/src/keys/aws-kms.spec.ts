import { randomBytes } from 'node:crypto';
import { readEnv, SystemClock, Unavailable } from '@lineclear/kit';
import { startFakeAws, type AwsTrouble, type FakeAws } from '@lineclear/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { CannotOpen } from '../domain/envelope.js';
import { awsEnv } from '../sources/aws-env.js';
import { AwsKms } from './aws-kms.js';

const CONTEXT = { purpose: 'kek', key_id: 'kek_1' };
let aws: FakeAws;
const open: AwsKms[] = [];
beforeEach(async () => {
  aws = await startFakeAws();
});
afterEach(async () => {
  for (const kms of open.splice(0)) await kms.close();
  await aws.close();
});

function kmsWith(key: string, timeoutSeconds = 5): AwsKms {
  const config = readEnv(z.object(awsEnv), {
    LINECLEAR_KMS_KEY: key,
    LINECLEAR_AWS_ENDPOINT: aws.url,
    LINECLEAR_AWS_REGION: 'eu-test-1',
    LINECLEAR_AWS_TIMEOUT_SECONDS: String(timeoutSeconds),
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'not a real one',
  });
  const kms = new AwsKms(config.LINECLEAR_KMS_KEY ?? '', config, new SystemClock());
  open.push(kms);
  return kms;
}

it.each(['arn', 'alias'])('opens what it wrapped, by the %s of the key', async (by) => {
  const arn = aws.kms.key('alias/lineclear');
  const kms = kmsWith(by === 'arn' ? arn : 'alias/lineclear');
  const key = randomBytes(32);
  const wrapped = await kms.wrap(key, CONTEXT);
  expect(wrapped.includes(key)).toBe(false);
  expect(await kms.unwrap(wrapped, CONTEXT)).toEqual(key);
  // The order of the context's pairs is none of its meaning.
  expect(await kms.unwrap(wrapped, { key_id: 'kek_1', purpose: 'kek' })).toEqual(key);
  expect(kms.id).toBe(`aws-kms:${by === 'arn' ? arn : 'alias/lineclear'}`);
});

it('opens nothing for another context, of another key, or with a bit changed', async () => {
  const kms = kmsWith(aws.kms.key());
  const wrapped = await kms.wrap(randomBytes(32), CONTEXT);
  await expect(kms.unwrap(wrapped, { ...CONTEXT, key_id: 'kek_2' })).rejects.toThrow(CannotOpen);
  await expect(kms.unwrap(wrapped, { ...CONTEXT, purpose: 'other' })).rejects.toThrow(CannotOpen);
  await expect(kmsWith(aws.kms.key()).unwrap(wrapped, CONTEXT)).rejects.toThrow(CannotOpen);
  for (const at of [0, 40, wrapped.length - 1]) {
    const changed = Buffer.from(wrapped);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(kms.unwrap(changed, CONTEXT)).rejects.toThrow(CannotOpen);
  }
});

it('leaves the key that it was given to its owner', async () => {
  const kms = kmsWith(aws.kms.key());
  const key = randomBytes(32);
  const before = Buffer.from(key);
  await kms.wrap(key, CONTEXT);
  expect(key).toEqual(before);
});

it.each<[AwsTrouble, string]>([
  ['denied', 'AccessDeniedException'],
  ['throttled', 'ThrottlingException'],
  ['broken', 'InternalServiceError'],
  ['cut', 'not reached'],
  ['hang', 'no answer in time'],
  ['garbage', 'not in its protocol'],
])('is unavailable, not unable, with %j', async (trouble, why) => {
  const kms = kmsWith(aws.kms.key(), 0.3);
  const wrapped = await kms.wrap(randomBytes(32), CONTEXT);
  for (const operation of ['Encrypt', 'Decrypt']) aws.failNext(operation, 1, trouble);
  const unwrapping = kms.unwrap(wrapped, CONTEXT);
  await expect(unwrapping).rejects.toThrow(Unavailable);
  await expect(unwrapping).rejects.toThrow(why);
  await expect(kms.wrap(randomBytes(32), CONTEXT)).rejects.toThrow(Unavailable);
});

it('is unavailable with a key that is turned off or does not exist', async () => {
  const arn = aws.kms.key();
  const kms = kmsWith(arn);
  const wrapped = await kms.wrap(randomBytes(32), CONTEXT);
  aws.kms.enable(arn, false);
  await expect(kms.unwrap(wrapped, CONTEXT)).rejects.toThrow('DisabledException');
  aws.kms.enable(arn, true);
  expect(await kms.unwrap(wrapped, CONTEXT)).toHaveLength(32);
  await expect(kmsWith('alias/nobody').wrap(randomBytes(32), CONTEXT)).rejects.toThrow('NotFoundException');
});
