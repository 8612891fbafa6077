import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeGateway, type FakeGateway } from './fake-gateway.fixture.js';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear } from './world.fixture.js';

const KEY = 'lc_the-key-of-this-test';
const NONE = { secrets: [], total: 0 };
let home: Home;
let gateway: FakeGateway | undefined;

beforeEach(async () => {
  home = await makeHome();
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await home.remove();
});

const start = async (answer: Parameters<typeof fakeGateway>[0]): Promise<string> => {
  gateway = await fakeGateway(answer);
  return gateway.url;
};
const list = (url: string, env: Record<string, string> = {}) =>
  lineclear(home.path, ['secrets', 'list'], { env: { LINECLEAR_URL: url, LINECLEAR_API_KEY: KEY, ...env } });

describe('what the server says', () => {
  it.each([
    [401, { detail: 'a valid API key is needed' }, 3, 'the key is not valid here: a valid API key is needed'],
    [403, { detail: 'this needs admin.config' }, 4, 'this needs admin.config'],
    [404, { detail: 'there is no secret "X"' }, 4, 'there is no secret "X"'],
    [409, { detail: 'the version is 2, not 1' }, 1, 'the version is 2, not 1'],
    [
      400,
      { detail: 'not valid', errors: [{ path: 'name', message: 'is odd' }] },
      1,
      'not valid; name is odd',
    ],
    [503, { title: 'Not available' }, 1, 'Not available'],
    [500, '<html>', 1, 'the server answered 500'],
    [404, { detail: 'a\u001b[2Jb\nc' }, 4, 'a\uFFFD[2Jb c'],
    [200, '<html>', 1, '%URL does not answer as Lineclear does'],
    [200, { secrets: [{ name: 1 }], total: 1 }, 1, '%URL does not answer as Lineclear does'],
    [200, { ...NONE, more: 'x'.repeat(17 * 1024 * 1024) }, 1, '%URL answers with more than 16 MiB'],
  ])('with %i is an exit code and one line: %#', async (status, body, code, said) => {
    const url = await start(() => [status, body]);
    expect(await list(url)).toEqual({
      code,
      stdout: '',
      stderr: `lineclear: ${said.replace('%URL', url)}\n`,
    });
  });

  it('is not waited for without end', async () => {
    const url = await start(() => 'no answer');
    const { code, stderr } = await list(url, { LINECLEAR_TIMEOUT_SECONDS: '1' });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `lineclear: ${url} did not answer within 1 seconds\n`,
    });
  });

  it('may be nothing', async () => {
    const url = await start(() => 'hang up');
    expect(await list(url)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/cannot be reached \(\w+\)/),
    });
  });

  it('may be to go elsewhere, where the key is not sent', async () => {
    const elsewhere = await fakeGateway(() => [200, NONE]);
    const url = await start(() => [302, '', { location: elsewhere.url }]);
    expect((await list(url)).code).toBe(1);
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.close();
  });

  it('is read page by page', async () => {
    const secret = (name: string) => ({
      name,
      scope: 'user',
      version: 1,
      created_at: '2026-11-28T10:00:00.000Z',
      updated_at: '2026-11-28T10:00:00.000Z',
      freshness: 'fresh',
      source: 'store',
    });
    const url = await start(({ path }) =>
      path.includes('cursor=A')
        ? [200, { secrets: [secret('B')], total: 2 }]
        : [200, { secrets: [secret('A')], total: 2, next_cursor: 'A' }],
    );
    const { stdout } = await list(url);
    expect(stdout).toBe(
      `NAME  VERSION  SET                  EXPIRES  FRESHNESS  JOBS GET IT FROM  DESCRIPTION
A     1        2026-11-28 10:00:00           fresh      store
B     1        2026-11-28 10:00:00           fresh      store
`,
    );
  });
});

describe('the key that was kept', () => {
  const keep = (url: string) => home.put('.lineclear/cli.json', JSON.stringify({ url, api_key: KEY }));

  it('is needed', async () => {
    expect(await lineclear(home.path, ['secrets', 'list'])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'lineclear: not logged in: lineclear login\n',
    });
  });

  it('is sent where it was kept for, and nowhere else', async () => {
    const url = await start(() => [200, NONE]);
    await keep(url);
    expect((await lineclear(home.path, ['secrets', 'list'])).code).toBe(0);
    const env = { LINECLEAR_URL: 'http://127.0.0.1:1/' };
    const other = await lineclear(home.path, ['secrets', 'list'], { env });
    expect(other).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('not logged in at http://127.0.0.1:1/'),
    });
  });

  it('is not read when it is open to others', async () => {
    await home.put('.lineclear/cli.json', '{}', 0o644);
    const { code, stderr } = await lineclear(home.path, ['secrets', 'list']);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('chmod 600') });
  });

  it('is looked for in LINECLEAR_HOME', async () => {
    const url = await start(() => [200, NONE]);
    await home.put('elsewhere/cli.json', JSON.stringify({ url, api_key: KEY }));
    const env = { LINECLEAR_HOME: `${home.path}/elsewhere` };
    expect((await lineclear(home.path, ['secrets', 'list'], { env })).code).toBe(0);
  });

  it('is forgotten by a logout, also without the server', async () => {
    await keep('http://127.0.0.1:1');
    expect(await lineclear(home.path, ['logout'])).toEqual({ code: 0, stdout: 'logged out\n', stderr: '' });
    await expect(home.read('.lineclear/cli.json')).rejects.toThrow('ENOENT');
  });

  it.each([
    [
      'its own',
      [
        { id: 7, key_prefix: 'lc_the-k' },
        { id: 8, key_prefix: 'lc_other' },
      ],
      0,
      '/api/auth/api-keys/7',
    ],
    [
      'none that may be another',
      [
        { id: 7, key_prefix: 'lc_the' },
        { id: 8, key_prefix: 'lc_the-k' },
      ],
      1,
      undefined,
    ],
  ])('is revoked with --revoke: %s', async (_, keys, code, path) => {
    const url = await start(({ method }) => [
      200,
      method === 'DELETE' ? { success: true } : { api_keys: keys, total: 2 },
    ]);
    await keep(url);
    expect((await lineclear(home.path, ['logout', '--revoke'])).code).toBe(code);
    expect(gateway?.asked.find(({ method }) => method === 'DELETE')?.path).toBe(path);
  });
});
