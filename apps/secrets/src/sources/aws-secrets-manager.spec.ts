import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Clock, readEnv, Unavailable } from '@lineclear/kit';
import { startFakeAws, type AwsTrouble, type FakeAws } from '@lineclear/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { awsEnv } from './aws-env.js';
import { AwsSecretsManagerSource } from './aws-secrets-manager.js';

class SetClock extends Clock {
  ms = Date.parse('2026-11-27T12:00:00Z');
  override now(): Date {
    return new Date(this.ms);
  }
}

let aws: FakeAws;
let clock: SetClock;
const open: AwsSecretsManagerSource[] = [];
beforeEach(async () => {
  aws = await startFakeAws();
  clock = new SetClock();
});
afterEach(async () => {
  for (const source of open.splice(0)) await source.close();
  await aws.close();
});

function source(secretNames: string, env: Record<string, string> = {}): AwsSecretsManagerSource {
  const config = readEnv(z.object(awsEnv), {
    LINECLEAR_AWS_SECRET_NAME: secretNames,
    LINECLEAR_AWS_ENDPOINT: aws.url,
    AWS_DEFAULT_REGION: 'eu-test-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'not a real one',
    ...env,
  });
  const made = new AwsSecretsManagerSource(config.LINECLEAR_AWS_SECRET_NAME ?? [], config, clock);
  open.push(made);
  return made;
}
const values = async (from: AwsSecretsManagerSource, ...names: string[]): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await from.find('global', names))].map(([name, { value }]) => [name, value.reveal()]),
  );
const failure = async (from: AwsSecretsManagerSource): Promise<Error> => {
  const error: unknown = await from.find('global', ['HF_TOKEN']).then(
    () => 'no error',
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(Unavailable);
  return error as Error;
};

it('reads the current version of a JSON object, and tells which version it is', async () => {
  aws.secrets.set('lineclear/production', '{"HF_TOKEN": "old"}');
  const id = aws.secrets.set('lineclear/production', '{"HF_TOKEN": "hf_1", "N": 7, "EMPTY": ""}');
  const from = source('lineclear/production');
  expect(await values(from, 'HF_TOKEN', 'hf-token', 'N', 'EMPTY', 'NOPE')).toEqual({
    HF_TOKEN: 'hf_1',
    'hf-token': 'hf_1',
    N: '7',
  });
  expect(await from.presence('global', 'HF_TOKEN')).toEqual({
    has: true,
    versionId: id,
    note: 'in lineclear/production',
  });
});

it('takes the first of several secrets that has a name, and asks for one after the other', async () => {
  aws.secrets.set('first', '{"A": "1"}');
  aws.secrets.set('second', '{"A": "2", "B": "2"}');
  const from = source('first, second');
  expect(await values(from, 'A')).toEqual({ A: '1' });
  expect(aws.calls('GetSecretValue')).toBe(1);
  expect(await values(from, 'A', 'B')).toEqual({ A: '1', B: '2' });
});

it('is without a secret that does not exist, and goes on to the next', async () => {
  aws.secrets.set('second', '{"A": "2"}');
  expect(await values(source('gone,second'), 'A')).toEqual({ A: '2' });
  expect(await values(source('gone'), 'A')).toEqual({});
});

it('never takes a failure of the first for a reason to use the second', async () => {
  aws.secrets.set('first', '{"A": "1"}');
  aws.secrets.set('second', '{"A": "2"}');
  aws.failNext('GetSecretValue', 1, 'denied');
  await expect(values(source('first,second'), 'A')).rejects.toThrow('the secret first');
});

it('asks once for twenty who ask at the same time, whatever they ask for', async () => {
  aws.secrets.set('one', '{"A": "1", "B": "2"}');
  const from = source('one');
  const release = aws.hold('GetSecretValue');
  const answers = Array.from({ length: 20 }, (_, n) => values(from, n % 2 === 0 ? 'A' : 'B'));
  await vi.waitFor(() => expect(aws.calls('GetSecretValue')).toBe(1));
  release();
  await Promise.all(answers);
  expect(aws.calls('GetSecretValue')).toBe(1);
});

describe('a failure', () => {
  it.each<[AwsTrouble, string]>([
    ['denied', 'refused with AccessDeniedException (HTTP 400)'],
    ['broken', 'refused with InternalServiceError (HTTP 500)'],
    ['throttled', 'refused with ThrottlingException'],
    ['cut', 'not reached'],
    ['hang', 'no answer in time'],
    ['garbage', 'not in its protocol'],
  ])('(%j) is told by the name of the secret and nothing that it holds', async (trouble, why) => {
    aws.secrets.set('lineclear/x', '{"HF_TOKEN": "hunter2"}');
    aws.failNext('GetSecretValue', 1, trouble);
    const error = await failure(source('lineclear/x', { LINECLEAR_AWS_TIMEOUT_SECONDS: '0.3' }));
    expect(error.message).toContain('the secret lineclear/x');
    expect(error.message).toContain(why);
    // What the SDK says of an answer that is no JSON quotes it.
    expect(error.cause).toBeUndefined();
    expect(error.stack).not.toContain('hunter2');
    expect(aws.calls('GetSecretValue')).toBe(1);
  });

  it.each<[string, string]>([
    ['{"HF_TOKEN": "hunter2"', 'malformed at line 1'],
    ['hunter2', 'is not JSON'],
    ['{"HF_TOKEN": {"a": "hunter2"}}', 'HF_TOKEN (line 1)'],
    ['[]', 'is not an object'],
  ])('is content like %s', async (text, why) => {
    aws.secrets.set('x', text);
    const error = await failure(source('x'));
    expect(error.message).toContain(why);
    expect(error.stack).not.toContain('hunter2');
  });

  it('is content that is no text', async () => {
    aws.secrets.setBinary('x', Buffer.from('hunter2'));
    expect((await failure(source('x'))).message).toContain('binary');
  });

  it('is a server that is not there', async () => {
    await aws.close();
    expect((await failure(source('x'))).message).toContain('not reached (ECONNREFUSED)');
  });
});

describe('AWS that asks to be left alone', () => {
  it('is, for as long as it said, and nobody waits for that', async () => {
    aws.secrets.set('x', '{"HF_TOKEN": "1"}');
    const from = source('x');
    aws.failNext('GetSecretValue', 1, { throttledSeconds: 30 });
    await failure(from);
    for (let n = 0; n < 20; n += 1) expect((await failure(from)).message).toContain('left alone for 30 s');
    clock.ms += 29_999;
    await failure(from);
    expect(aws.calls('GetSecretValue')).toBe(1);
    clock.ms += 1;
    expect(await values(from, 'HF_TOKEN')).toEqual({ HF_TOKEN: '1' });
  });

  it('without a time is, for longer each time it asks again, until it answers', async () => {
    aws.secrets.set('x', '{"HF_TOKEN": "1"}');
    const from = source('x');
    aws.failNext('GetSecretValue', 3, 'throttled');
    for (const seconds of [1, 2, 4]) {
      await failure(from);
      clock.ms += seconds * 1_000 - 1;
      expect((await failure(from)).message).toContain('left alone');
      clock.ms += 1;
    }
    expect(await values(from, 'HF_TOKEN')).toEqual({ HF_TOKEN: '1' });
    aws.failNext('GetSecretValue', 1, 'throttled');
    await failure(from);
    clock.ms += 1_000;
    expect(await values(from, 'HF_TOKEN')).toEqual({ HF_TOKEN: '1' });
  });
});

it('is loaded only where it is used: no module of this service imports the SDK when it starts', async () => {
  const src = join(import.meta.dirname, '..');
  const files = (await readdir(src, { recursive: true })).filter((file) => /(?<!\.spec)\.ts$/.test(file));
  const texts = await Promise.all(files.map((file) => readFile(join(src, file), 'utf8')));
  expect(files.length).toBeGreaterThan(30);
  expect(texts.filter((text) => /^import (?!type ).*@aws-sdk/m.test(text))).toEqual([]);
});

describe('the settings', () => {
  const read = (env: Record<string, string>): unknown => readEnv(z.object(awsEnv), env);

  it.each([
    ['LINECLEAR_AWS_ENDPOINT', 'http://aws.example.com'],
    ['LINECLEAR_AWS_ENDPOINT', 'not a url'],
    ['LINECLEAR_AWS_SECRET_NAME', 'a,,b'],
    ['LINECLEAR_AWS_SECRET_NAME', 'has space'],
    ['LINECLEAR_AWS_SECRET_NAME', Array(11).fill('a').join(',')],
    ['LINECLEAR_AWS_REGION', 'eu/west'],
    ['LINECLEAR_KMS_KEY', 'a key'],
    ['LINECLEAR_AWS_TIMEOUT_SECONDS', '0'],
    ['LINECLEAR_AWS_TIMEOUT_SECONDS', '61'],
  ])('refuse %s=%s', (name, value) => expect(() => read({ [name]: value })).toThrow(name));

  it.each([
    'https://vpce-1.secretsmanager.eu-west-1.vpce.amazonaws.com',
    'http://127.0.0.1:1',
    'http://localhost:1',
  ])('take the endpoint %s', (url) =>
    expect(read({ LINECLEAR_AWS_ENDPOINT: url })).toMatchObject({ LINECLEAR_AWS_ENDPOINT: url }),
  );

  it('sign for the region of this house before that of the machine, and with the session token', async () => {
    aws.secrets.set('x', '{"A": "1"}');
    const from = source('x', {
      LINECLEAR_AWS_REGION: 'eu-house-1',
      AWS_REGION: 'eu-machine-1',
      AWS_SESSION_TOKEN: 'a-session',
    });
    await values(from, 'A');
    expect(aws.lastHeader('authorization')).toContain('/eu-house-1/secretsmanager/');
    expect(aws.lastHeader('x-amz-security-token')).toBe('a-session');
    await values(source('x', { AWS_REGION: 'eu-machine-1' }), 'A');
    expect(aws.lastHeader('authorization')).toContain('/eu-machine-1/');
    await values(source('x'), 'A');
    expect(aws.lastHeader('authorization')).toContain('/eu-test-1/');
  });
});
