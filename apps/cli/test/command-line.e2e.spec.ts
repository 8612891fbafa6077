import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeGateway, type FakeGateway } from './fake-gateway.fixture.js';
import { makeHome, type Home } from './home.fixture.js';
import { lineclear } from './world.fixture.js';

const KEY = 'lc_the-key-of-this-test';
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
    [['secrets', 'list', '--scope', 'everyone'], '--scope takes user, team, org, global'],
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
    [['secrets', 'import', 'x', '--format', 'yaml'], '--format takes dotenv or json'],
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
