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
