import { Secret } from '@lineclear/kit';
import { afterAll, expect, it } from 'vitest';
import { failureIn } from './adapter-contract.fixture.js';
import { ProviderHttp } from './provider-http.js';

const http = new ProviderHttp({
  baseUrl: 'http://127.0.0.1:9',
  timeoutMs: 1_000,
  connections: 1,
  authorize: (secret) => ({ authorization: `Bearer ${secret}` }),
});
afterAll(() => http.close());
const sendWith = (secret: string) => failureIn(http.send({ method: 'GET', path: '/' }, new Secret(secret)));

it.each(['hush\n', 'hu\r\nsh', 'h\u0000ush', 'hush\u20ac'])(
  'says of a credential that no header can carry that it is refused: %j',
  async (secret) => {
    const { kind, message } = await sendWith(secret);
    expect([kind, message.includes('hu')]).toEqual(['denied', false]);
  },
);

it.each(['hush', 'hu\tsh', 'h\u00fcsh'])('sends one that can: %j', async (secret) => {
  expect((await sendWith(secret)).kind).toBe('not sent');
});
