import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeGateway, type FakeGateway } from './fake-gateway.fixture.js';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear } from './world.fixture.js';

const KEY = 'lc_the-key-of-this-test';
const ME = { username: 'ada', permissions: ['job.submit'] };
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

describe('a login', () => {
  const login = (flags: readonly string[], options: Parameters<typeof lineclear>[2] = {}) =>
    lineclear(home.path, ['login', '--key-stdin', ...flags], { input: `${KEY}\n`, ...options });

  it('checks the key, and keeps it for the owner alone', async () => {
    const url = await start(({ path }) => (path === '/api/auth/me' ? [200, ME] : [200, NONE]));
    const { code, stdout, stderr } = await login(['--url', url]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `logged in at ${url} as ada\n`, stderr: '' });
    expect(gateway?.asked[0]).toMatchObject({ method: 'GET', path: '/api/auth/me', key: `Bearer ${KEY}` });
    expect(await home.modeOf('.lineclear/cli.json')).toBe(0o600);
    expect(JSON.parse(await home.read('.lineclear/cli.json'))).toEqual({ url: `${url}/`, api_key: KEY });
  });

  it('keeps no key that is not valid', async () => {
    const url = await start(() => [401, { detail: 'no' }]);
    expect(await login(['--url', url])).toMatchObject({ code: 3 });
    await expect(home.read('.lineclear/cli.json')).rejects.toThrow('ENOENT');
  });

  it('asks for the key without showing it', async () => {
    const url = await start(({ path }) => (path === '/api/auth/me' ? [200, ME] : [200, NONE]));
    const { code, stderr } = await lineclear(home.path, ['login', '--url', url], { answers: [KEY] });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'API key: \n' });
  });

  it.each([
    ['two keys', ['--key', 'x', '--key-stdin'], 'not both'],
    ['a key of two lines', ['--key', 'a\nb'], 'that is no API key'],
    ['no key and nobody to ask', [], 'there is nobody to ask'],
    ['another scheme', ['--key', 'x', '--url', 'ftp://host'], 'must be http(s)'],
    ['a password in the address', ['--key', 'x', '--url', 'http://u:p@host'], 'must be http(s)'],
  ])('is refused with %s', async (_, flags, said) => {
    const { code, stderr } = await lineclear(home.path, ['login', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).toContain('usage: lineclear login [--url URL]');
  });

  it('leaves alone what one may not keep', async () => {
    await home.put('.cache/huggingface/token', 'hf_abcdef');
    const url = await start(() => [200, { username: 'vi', permissions: [] }]);
    const { stdout } = await login(['--url', url, '--yes']);
    expect(stdout).toContain('no secrets of your own: that takes job.submit');
    expect(gateway?.asked).toHaveLength(1);
  });

  it.each([
    ['saves all with --yes', ['--yes'], {}, 1, 'saved: huggingface'],
    ['saves none with --no-upload', ['--no-upload'], { answers: ['y'] }, 0, 'logged in'],
    ['saves what is wished', [], { answers: ['y'] }, 1, 'saved: huggingface'],
    ['saves nothing for Enter', [], { answers: [''] }, 0, 'not saved: huggingface'],
    ['saves nothing where nobody is asked', [], {}, 0, '--yes saves it'],
  ])('%s', async (_, flags, options, sets, said) => {
    await home.put('.cache/huggingface/token', 'hf_abcdef');
    const url = await start(({ method, path }) =>
      path === '/api/auth/me'
        ? [200, ME]
        : method === 'POST'
          ? [201, { name: 'HF_TOKEN', version: 1 }]
          : [200, NONE],
    );
    const { stdout, stderr } = await login(['--url', url, ...flags], options);
    const posted = gateway?.asked.filter(({ method }) => method === 'POST').map(({ body }) => body);
    const set = { name: 'HF_TOKEN', value: 'hf_abcdef', scope: 'user', expected_version: 0 };
    expect(posted).toEqual(sets === 0 ? [] : [set]);
    expect(stdout).toContain(said);
    expect(stdout + stderr).not.toContain('hf_abcdef');
  });

  it('takes back half a credential when the other half is refused', async () => {
    await home.put(
      '.aws/credentials',
      '[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = secret-of-aws\n',
    );
    const url = await start(({ method, path, body }) => {
      if (path === '/api/auth/me') return [200, ME];
      if (method === 'DELETE') return [204, ''];
      if (method === 'GET') return [200, NONE];
      const { name } = body as { name: string };
      return name === 'AWS_ACCESS_KEY_ID'
        ? [201, { name, version: 1 }]
        : [409, { detail: 'somebody was first' }];
    });
    const { code, stdout } = await login(['--url', url, '--yes', '--no-download']);
    expect(code).toBe(0);
    expect(stdout).toContain('left alone: aws');
    expect(gateway?.asked.at(-1)).toMatchObject({
      method: 'DELETE',
      path: '/api/secrets/AWS_ACCESS_KEY_ID?scope=user',
    });
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

describe('a value', () => {
  const set = (flags: readonly string[], input = '') =>
    lineclear(home.path, ['secrets', 'set', 'A', ...flags], { input, env: { LINECLEAR_API_KEY: KEY } });
  const large = 'x'.repeat(1_048_577);

  it.each([
    ['more than 1 MiB of stdin', [], large, 'stdin has more than 1 MiB'],
    ['a file of more than 1 MiB', ['--from-file', '%HOME/large'], '', '%HOME/large is larger than 1 MiB'],
    ['a file that is not there', ['--from-file', '%HOME/none'], '', '%HOME/none cannot be read (ENOENT)'],
    ['a variable that is not set', ['--from-env', 'NONE'], '', 'the variable NONE is not set'],
  ])('is not %s', async (_, flags, input, said) => {
    await home.put('large', large);
    const at = (text: string): string => text.replace('%HOME', home.path);
    expect(await set(flags.map(at), input)).toEqual({
      code: 1,
      stdout: '',
      stderr: `lineclear: ${at(said)}\n`,
    });
  });

  it('of a provider is each of its fields, under the names that jobs know', async () => {
    await home.put(
      '.ssh/id_rsa',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nxyz\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    await home.put('.ssh/id_rsa.pub', 'ssh-rsa abc ada@host\n');
    const url = await start(({ body }) => [201, { name: (body as { name: string }).name, version: 1 }]);
    const env = { LINECLEAR_URL: url, LINECLEAR_API_KEY: KEY };
    const ran = await lineclear(home.path, ['secrets', 'set', '--provider', 'ssh', '--scope', 'global'], {
      env,
    });
    expect(ran.stdout).toBe('ssh.private_key is set, version 1\nssh.public_key is set, version 1\n');
    expect(gateway?.asked.map(({ body }) => body)).toMatchObject([
      { name: 'ssh.private_key', scope: 'global' },
      { name: 'ssh.public_key', value: 'ssh-rsa abc ada@host\n' },
    ]);
    const none = await lineclear(home.path, ['secrets', 'set', '--provider', 'aws'], { env });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('no credentials of Amazon') });
  });

  it('may have an end and a description, and may be asked for without showing it', async () => {
    const url = await start(() => [201, { name: 'A', version: 1, hidden_by: 'environment' }]);
    const args = ['secrets', 'set', 'A', '--expires', '2w', '--description', 'mine'];
    const env = { LINECLEAR_URL: url, LINECLEAR_API_KEY: KEY };
    const { stdout } = await lineclear(home.path, args, { env, answers: [' typed '] });
    expect(stdout).toBe('A is set, version 1; jobs get it from environment, which is asked before\n');
    expect(gateway?.asked[0]?.body).toEqual({
      name: 'A',
      value: ' typed ',
      scope: 'user',
      description: 'mine',
      expires_at: '2026-12-12T10:00:00.000Z',
    });
  });
});

describe('a command line', () => {
  it('with a value on it is refused without telling it again', async () => {
    for (const args of [
      ['secrets', 'set', 'A', 'secret-text'],
      ['login', 'secret-text'],
      ['login', '--yes=secret-text'],
    ]) {
      const { code, stdout, stderr } = await lineclear(home.path, args);
      expect(code).toBe(2);
      expect(stdout + stderr).not.toContain('secret-text');
    }
  });

  it.each([
    [['--version'], 0, '0.1.0\n'],
    [[], 0, 'usage: lineclear COMMAND'],
    [['--help'], 0, 'secrets rollback'],
    [['secrets'], 0, 'secrets rollback'],
    [['secrets', 'set', '--help'], 0, 'usage: lineclear secrets set NAME'],
    [['run', '--help'], 0, 'usage: lineclear run '],
  ])('%j tells', async (args, code, said) => {
    const ran = await lineclear(home.path, args);
    expect(ran).toMatchObject({ code, stderr: '', stdout: expect.stringContaining(said) });
  });

  it.each([
    [['sing'], 'there is no command sing'],
    [['secrets', 'sing'], 'there is no command secrets sing'],
    [['secrets', 'list', 'X'], 'there is a word too many'],
    [['secrets', 'list', '--colour'], "Unknown option '--colour'"],
    [['secrets', 'list', '--scope', 'team'], '--scope takes user or global'],
    [['secrets', 'versions'], 'something is missing'],
    [['secrets', 'versions', '-x'], 'Unknown option'],
    [['secrets', 'explain', 'a/b'], 'a name is of letters'],
    [['secrets', 'rollback', 'A', 'x'], 'VERSION takes a whole number'],
    [['secrets', 'history', 'A', '--limit', '501'], '--limit takes a whole number from 1 to 500'],
    [['secrets', 'set', 'A'], 'the value is empty'],
    [['secrets', 'set', 'A', '--from-env', 'X', '--from-file', 'Y'], 'one of them'],
    [['secrets', 'set', 'A', '--profile', 'X'], '--profile is of a --provider'],
    [['secrets', 'set', 'A', '--provider', 'aws'], '--provider says the names itself'],
    [['secrets', 'set', '--provider', 'x'], 'there is no such provider'],
    [['place', 'x'], 'there is no such format'],
    [['logout', '--yes', '--keep'], 'not both'],
    [['run', 'ls'], 'there is a word too many'],
    [['run', '--'], 'there is no program'],
    [['run', '--secret', 'a b', '--', 'ls'], '--secret takes NAME'],
    [['login', '--', 'x'], 'takes nothing after --'],
  ])('%j is wrong, and its usage is told', async (args, said) => {
    const env = { LINECLEAR_API_KEY: KEY };
    const { code, stdout, stderr } = await lineclear(home.path, args, { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).toMatch(/^lineclear: .*\nusage: lineclear /);
  });
});
