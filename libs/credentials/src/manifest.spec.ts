import { chmod, chown, readFile, symlink, truncate } from 'node:fs/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UnusableFile } from './errors.js';
import { format, makeHome, type Home } from './home.fixture.js';
import { EMPTY_MANIFEST, readManifest, writeManifest, type Manifest } from './manifest.js';
import { place } from './place.js';
import { withdraw } from './withdraw.js';

let home: Home;
let file: string;
beforeEach(async () => {
  home = await makeHome();
  file = home.at('.lineclear/placed.json');
});
afterEach(() => home.remove());

async function placed(): Promise<Manifest> {
  await home.put('.netrc', 'machine a login b password theirs-hidden\n', 0o644);
  const options = { manifest: EMPTY_MANIFEST };
  return (await place(format('wandb'), { api_key: 'ours-hidden' }, home.machine, options)).manifest;
}

describe('a manifest', () => {
  it('is empty where there is no file', async () => {
    expect(await readManifest(file)).toEqual(EMPTY_MANIFEST);
  });

  it('comes back as it was written, and undoes what it tells of', async () => {
    const manifest = await placed();
    await writeManifest(file, manifest);
    const read = await readManifest(file);
    await withdraw({ format: 'wandb', profile: 'api.wandb.ai' }, home.machine, read);
    expect(await home.read('.netrc')).toBe('machine a login b password theirs-hidden\n');
    const tree = await home.tree();
    expect(tree['.netrc']).toMatch(/^644 /);
    expect(tree['.lineclear']).toMatch(/^700 /);
    expect(tree['.lineclear/placed.json']).toMatch(/^600 /);
  });

  it('has what others had, for it must come back, and nothing of ours', async () => {
    await writeManifest(file, await placed());
    const text = await readFile(file, 'utf8');
    expect(text).toContain(Buffer.from('machine a login b password theirs-hidden\n').toString('base64'));
    expect(text).not.toContain('ours-hidden');
  });

  it('does not print', async () => {
    const manifest = await placed();
    const printed = inspect(manifest, { depth: 9 }) + JSON.stringify(manifest);
    expect(printed).not.toContain('hidden');
    expect(printed).not.toContain(Buffer.from('theirs-hidden').toString('base64'));
  });

  it.each([0o644, 0o660, 0o604])('that others could read or write is refused (mode %o)', async (mode) => {
    await writeManifest(file, EMPTY_MANIFEST);
    await chmod(file, mode);
    await expect(readManifest(file)).rejects.toThrow('is open to others');
  });

  it('that is a link is refused', async () => {
    await writeManifest(home.at('elsewhere'), EMPTY_MANIFEST);
    await home.put('.lineclear/x', '');
    await symlink(home.at('elsewhere'), file);
    await expect(readManifest(file)).rejects.toThrow('is a link');
  });

  it('that is very large is not read', async () => {
    await writeManifest(file, EMPTY_MANIFEST);
    await truncate(file, 67_108_865);
    await expect(readManifest(file)).rejects.toThrow('is larger than 67108864 bytes');
  });

  it('that belongs to another user is refused', async () => {
    await writeManifest(file, EMPTY_MANIFEST);
    // Root is trusted by everyone, so where the tests run as root the file is given away.
    if (process.getuid?.() === 0) await chown(file, 4_242, 4_242);
    await expect(readManifest(file, 4_343)).rejects.toThrow('belongs to another user');
  });

  it.each([
    '',
    'hidden',
    '[]',
    '{"version": 2, "files": []}',
    '{"version": 1, "files": [{"path": "hidden"}]}',
  ])('that is %j is refused and not quoted', async (text) => {
    await home.put('.lineclear/placed.json', text);
    await expect(readManifest(file)).rejects.toThrow(UnusableFile);
    await expect(readManifest(file)).rejects.not.toThrow(/hidden/);
  });
});
