import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BadCredential, UnusableFile } from './errors.js';
import { findCredentials } from './find.js';
import { format, makeHome, type Home } from './home.fixture.js';
import { EMPTY_MANIFEST, type Manifest } from './manifest.js';
import { place } from './place.js';
import { withdraw } from './withdraw.js';

const KEYS = { access_key: 'AKIAOURS', secret_key: 'ours' };
const THEIRS = '[default]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = theirs\n';

let home: Home;
beforeEach(async () => {
  home = await makeHome();
});
afterEach(() => home.remove());

const put = (
  name: string,
  values: Record<string, string>,
  options: Partial<Parameters<typeof place>[3]> = {},
) => place(format(name), values, home.machine, { manifest: EMPTY_MANIFEST, ...options });

describe('placing a credential', () => {
  it('makes its files, which no one else can read', async () => {
    const { outcome, profile, files } = await put('aws', { ...KEYS, region: 'eu' });
    expect({ outcome, profile }).toEqual({ outcome: 'written', profile: 'default' });
    expect(files).toEqual([
      { path: home.at('.aws/credentials'), outcome: 'written' },
      { path: home.at('.aws/config'), outcome: 'written' },
    ]);
    const tree = await home.tree();
    expect(Object.entries(tree).map(([path, entry]) => [path, entry.split(' ')[0]])).toEqual([
      ['.aws', '700'],
      ['.aws/config', '600'],
      ['.aws/credentials', '600'],
    ]);
    const found = await findCredentials(format('aws'), home.machine);
    expect(found?.values.reveal()).toEqual({ ...KEYS, region: 'eu' });
  });

  it('a second time changes nothing', async () => {
    const first = await put('aws', KEYS);
    const before = await home.tree();
    const second = await put('aws', KEYS, { manifest: first.manifest });
    expect(second.outcome).toBe('unchanged');
    expect(second.manifest).toBe(first.manifest);
    expect(await home.tree()).toEqual(before);
  });

  it('that was there already leaves it to its owner', async () => {
    await home.put('.cache/huggingface/token', 'hf_x\n', 0o644);
    const { outcome, manifest } = await put('huggingface', { token: 'hf_x' });
    expect({ outcome, manifest }).toEqual({ outcome: 'unchanged', manifest: EMPTY_MANIFEST });
    expect(await home.read('.cache/huggingface/token')).toBe('hf_x\n');
  });

  it('keeps one that differs, and writes to none of its files then', async () => {
    await home.put('.aws/credentials', THEIRS);
    const before = await home.tree();
    const placed = await put('aws', { ...KEYS, region: 'eu' });
    expect(placed.outcome).toBe('kept');
    expect(placed.files.map(({ outcome }) => outcome)).toEqual(['kept', 'kept']);
    expect(placed.manifest).toBe(EMPTY_MANIFEST);
    expect(await home.tree()).toEqual(before);
  });

  it('replaces one that differs when told to, and no other profile', async () => {
    await home.put('.aws/credentials', `# by hand\n${THEIRS}[work]\nregion = x\n`, 0o644);
    expect((await put('aws', KEYS, { overwrite: true })).outcome).toBe('written');
    expect(await home.read('.aws/credentials')).toBe(
      '# by hand\n[default]\naws_access_key_id = AKIAOURS\naws_secret_access_key = ours\n[work]\nregion = x\n',
    );
    expect((await home.tree())['.aws/credentials']).toMatch(/^600 /);
  });

  it('replaces a token and does not append to it', async () => {
    await home.put('.cache/huggingface/token', 'hf_old');
    await put('huggingface', { token: 'hf_new' }, { overwrite: true });
    expect(await home.read('.cache/huggingface/token')).toBe('hf_new');
  });

  it('goes to the profile that is named', async () => {
    await home.put('.aws/credentials', THEIRS);
    expect((await put('aws', { ...KEYS, region: 'eu' }, { profile: 'work' })).outcome).toBe('written');
    expect(await home.read('.aws/credentials')).toBe(
      `${THEIRS}[work]\naws_access_key_id = AKIAOURS\naws_secret_access_key = ours\n`,
    );
    expect(await home.read('.aws/config')).toBe('[profile work]\nregion = eu\n');
  });

  it('replaces our own without being told to', async () => {
    const first = await put('aws', KEYS);
    const second = await put('aws', { ...KEYS, secret_key: 'rotated' }, { manifest: first.manifest });
    expect(second.outcome).toBe('written');
    expect(await home.read('.aws/credentials')).toContain('rotated');
    await withdraw({ format: 'aws', profile: 'default' }, home.machine, second.manifest);
    expect(await home.tree()).toEqual({});
  });

  it('goes where a variable moved the file', async () => {
    const moved = await makeHome({ AWS_SHARED_CREDENTIALS_FILE: '~/keys/aws' });
    await place(format('aws'), KEYS, moved.machine, { manifest: EMPTY_MANIFEST });
    expect(Object.keys(await moved.tree())).toEqual(['keys', 'keys/aws']);
    await moved.remove();
  });

  it('of a registry goes to the name in its values', async () => {
    const { profile } = await put('docker', { username: 'u', password: 'p', server: 'registry.example.com' });
    expect(profile).toBe('registry.example.com');
    const found = await findCredentials(format('docker'), home.machine, { profile: 'registry.example.com' });
    expect(found?.values.reveal()).toEqual({ username: 'u', password: 'p', server: 'registry.example.com' });
  });

  it.each([
    ['openai', { api_key: 'k' }, /^openai: has no file/],
    ['netrc', { login: 'a', password: 'b' }, /^profile: /],
    ['aws', { access_key: 'hidden' }, /^secret_key: is missing$/],
    ['huggingface', { token: 'two\nlines' }, /^token: has a newline in it$/],
  ])('of %s is refused with %j', async (name, values, message) => {
    await expect(put(name, values as Record<string, string>)).rejects.toThrow(BadCredential);
    await expect(put(name, values as Record<string, string>)).rejects.toThrow(message);
    expect(await home.tree()).toEqual({});
  });
});

describe('a link', () => {
  it('to a file in the home folder is written through, and stays', async () => {
    await home.put('dotfiles/netrc', 'machine a login b password c\n', 0o640);
    await symlink(home.at('dotfiles/netrc'), home.at('.netrc'));
    const before = await home.tree();
    const { manifest } = await put('wandb', { api_key: 'k' });
    expect(await home.read('dotfiles/netrc')).toContain('api.wandb.ai');
    expect((await home.tree())['.netrc']).toBe(before['.netrc']);
    await withdraw({ format: 'wandb', profile: 'api.wandb.ai' }, home.machine, manifest);
    expect(await home.tree()).toEqual(before);
  });

  it.each([
    [
      'a file elsewhere',
      async () => symlink(elsewhere.at('netrc'), home.at('.netrc')),
      'leads out of the home folder',
    ],
    ['nothing', async () => symlink(home.at('absent'), home.at('.netrc')), 'is a link to nothing'],
    [
      'a file that could be made elsewhere',
      async () => symlink(elsewhere.at('new'), home.at('.netrc')),
      'is a link to nothing',
    ],
    ['itself', async () => symlink(home.at('.netrc'), home.at('.netrc')), 'cannot be reached (ELOOP)'],
  ])('to %s is refused', async (_, link, why) => {
    await link();
    await expect(put('wandb', { api_key: 'k' })).rejects.toThrow(`${home.at('.netrc')} ${why}`);
    expect(await elsewhere.tree()).toEqual(elsewhereBefore);
  });

  it('to a folder elsewhere is refused', async () => {
    await symlink(elsewhere.path, home.at('.aws'));
    await expect(put('aws', KEYS)).rejects.toThrow('leads out of the home folder');
    expect(await elsewhere.tree()).toEqual(elsewhereBefore);
  });

  let elsewhere: Home;
  let elsewhereBefore: Record<string, string>;
  beforeEach(async () => {
    elsewhere = await makeHome();
    await elsewhere.put('netrc', 'machine a login b password c\n');
    elsewhereBefore = await elsewhere.tree();
  });
  afterEach(() => elsewhere.remove());
});

describe('a file is left as it is', () => {
  it.each<[string, (path: string) => Promise<unknown>, string]>([
    ['is a folder', (path) => mkdir(path), 'is not a regular file'],
    ['is not UTF-8', (path) => writeFile(path, Buffer.from([0xff, 0xfe, 0x00])), 'is not UTF-8 text'],
    ['is very large', (path) => writeFile(path, 'x'.repeat(1_048_577)), 'is larger than 1048576 bytes'],
  ])('when it %s', async (_, make, why) => {
    await make(home.at('.netrc'));
    const before = await home.tree();
    await expect(put('wandb', { api_key: 'k' })).rejects.toThrow(UnusableFile);
    await expect(put('wandb', { api_key: 'k' })).rejects.toThrow(why);
    expect(await home.tree()).toEqual(before);
  });
});

describe('when it goes wrong in the middle', () => {
  it('all files are as they were, and the manifest that is kept says so', async () => {
    await home.put('.aws/credentials', '[work]\nregion = x\n', 0o644);
    const kept: Manifest[] = [];
    const record = async (manifest: Manifest): Promise<void> => {
      kept.push(manifest);
      // Another program writes the second file between our look at it and our write.
      if (kept.length === 1) await home.put('.aws/config', '[other]\n');
    };
    await expect(put('aws', { ...KEYS, region: 'eu' }, { record })).rejects.toThrow(
      'was changed by another program just now',
    );
    expect(await home.read('.aws/credentials')).toBe('[work]\nregion = x\n');
    expect((await home.tree())['.aws/credentials']).toMatch(/^644 /);
    expect(await home.read('.aws/config')).toBe('[other]\n');
    expect(kept.at(-1)).toEqual(EMPTY_MANIFEST);
  });

  it('and folders that were made are gone', async () => {
    const record = async (): Promise<void> => {
      await rm(home.at('.aws'), { recursive: true, force: true });
    };
    await expect(put('aws', KEYS, { record })).rejects.toThrow('cannot be written (ENOENT)');
    expect(await home.tree()).toEqual({});
  });

  it('a crash before the write leaves a manifest that undoes nothing', async () => {
    await home.put('.aws/credentials', THEIRS);
    let kept = EMPTY_MANIFEST;
    const crash = put('aws', KEYS, {
      overwrite: true,
      record: (manifest) => {
        kept = manifest.files.length > 0 ? manifest : kept;
        return Promise.reject(new Error('crashed'));
      },
    });
    await expect(crash).rejects.toThrow('crashed');
    const before = await home.tree();
    const { files } = await withdraw({ format: 'aws', profile: 'default' }, home.machine, kept);
    expect(files).toEqual([{ path: home.at('.aws/credentials'), outcome: 'not ours' }]);
    expect(await home.tree()).toEqual(before);
  });
});
