import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialsOf, SHARED_FILES } from './families.fixture.js';
import { FORMATS } from './formats.js';
import { format, makeHome, type Home } from './home.fixture.js';
import { EMPTY_MANIFEST, type Manifest } from './manifest.js';
import { place } from './place.js';
import { placedCredentials, withdraw } from './withdraw.js';

const KEYS = { access_key: 'AKIAOURS', secret_key: 'ours' };
const AWS = { format: 'aws', profile: 'default' };
const THEIRS = '[default]\naws_access_key_id = AKIATHEIRS\naws_secret_access_key = theirs\n';

let home: Home;
beforeEach(async () => {
  home = await makeHome();
});
afterEach(() => home.remove());

async function put(
  name: string,
  values: Record<string, string>,
  manifest: Manifest = EMPTY_MANIFEST,
  profile?: string,
) {
  const options = { manifest, overwrite: true, ...(profile !== undefined && { profile }) };
  return (await place(format(name), values, home.machine, options)).manifest;
}
const outcomes = ({ files }: Awaited<ReturnType<typeof withdraw>>): string[] =>
  files.map(({ outcome }) => outcome);

describe('withdrawing a credential', () => {
  it('takes its files and folders away where there were none', async () => {
    const manifest = await put('aws', { ...KEYS, region: 'eu' });
    const withdrawn = await withdraw(AWS, home.machine, manifest);
    expect(outcomes(withdrawn)).toEqual(['restored', 'restored']);
    expect(withdrawn.manifest).toEqual(EMPTY_MANIFEST);
    expect(await home.tree()).toEqual({});
  });

  it('brings back what it replaced, byte for byte, with its mode', async () => {
    await home.put('.aws/credentials', THEIRS.replaceAll('\n', '\r\n'), 0o440);
    const before = await home.tree();
    const manifest = await put('aws', KEYS);
    expect(await home.tree()).not.toEqual(before);
    await withdraw(AWS, home.machine, manifest);
    expect(await home.tree()).toEqual(before);
  });

  it('brings back a file that is the credential', async () => {
    await home.put('.kube/config', 'clusters: [theirs]\n', 0o644);
    const before = await home.tree();
    const manifest = await put('kubeconfig', { kubeconfig: 'clusters: [ours]\n' });
    await withdraw({ format: 'kubeconfig', profile: 'default' }, home.machine, manifest);
    expect(await home.tree()).toEqual(before);
  });

  it('keeps what others wrote since, and says so', async () => {
    const manifest = await put('aws', KEYS);
    await home.put('.aws/credentials', `${await home.read('.aws/credentials')}\n[theirs]\nregion = x\n`);
    const withdrawn = await withdraw(AWS, home.machine, manifest);
    expect(outcomes(withdrawn)).toEqual(['changed since']);
    expect(await home.read('.aws/credentials')).toBe('\n[theirs]\nregion = x\n');
  });

  it('brings back what it replaced also where others wrote since', async () => {
    await home.put('.aws/credentials', THEIRS, 0o644);
    const manifest = await put('aws', KEYS);
    await home.put('.aws/credentials', `${await home.read('.aws/credentials')}[theirs]\nregion = x\n`);
    await withdraw(AWS, home.machine, manifest);
    expect(await home.read('.aws/credentials')).toBe(`${THEIRS}[theirs]\nregion = x\n`);
  });

  it('leaves an entry that someone gave another value', async () => {
    const manifest = await put('github', { oauth_token: 'gho_ours' });
    await home.put('.config/gh/hosts.yml', 'github.com:\n    oauth_token: gho_theirs\n');
    const before = await home.tree();
    const withdrawn = await withdraw({ format: 'github', profile: 'github.com' }, home.machine, manifest);
    expect(outcomes(withdrawn)).toEqual(['not ours']);
    expect(withdrawn.manifest).toEqual(EMPTY_MANIFEST);
    expect(await home.tree()).toEqual(before);
  });

  it('leaves a kubeconfig that was changed since', async () => {
    const manifest = await put('kubeconfig', { kubeconfig: 'clusters: []\n' });
    await home.put('.kube/config', 'clusters: []\ncurrent-context: x\n');
    const withdrawn = await withdraw({ format: 'kubeconfig', profile: 'default' }, home.machine, manifest);
    expect(outcomes(withdrawn)).toEqual(['not ours']);
    expect(await home.read('.kube/config')).toContain('current-context');
  });

  it('finds nothing to do where the file is gone, and takes its folder along', async () => {
    const manifest = await put('aws', KEYS);
    await rm(home.at('.aws/credentials'));
    expect(outcomes(await withdraw(AWS, home.machine, manifest))).toEqual(['gone']);
    expect(await home.tree()).toEqual({});
  });

  it('keeps a folder that has something of others in it by now', async () => {
    const manifest = await put('aws', KEYS);
    await home.put('.aws/cli/cache', 'x');
    await withdraw(AWS, home.machine, manifest);
    expect(Object.keys(await home.tree())).toEqual(['.aws', '.aws/cli', '.aws/cli/cache']);
  });

  it('can be asked for twice', async () => {
    const manifest = await put('aws', KEYS);
    const once = await withdraw(AWS, home.machine, manifest);
    expect((await withdraw(AWS, home.machine, once.manifest)).files).toEqual([]);
    // And with the manifest of before, as after a crash.
    expect(outcomes(await withdraw(AWS, home.machine, manifest))).toEqual(['gone']);
  });

  it('stops at what a later version placed', async () => {
    const manifest = await put('aws', KEYS);
    const later = {
      files: manifest.files.map((file) => ({
        ...file,
        entries: [...file.entries, { format: 'later', file: 'x', profile: 'y', valuesSha256: 'z' }],
      })),
    };
    const before = await home.tree();
    await expect(withdraw(AWS, home.machine, later)).rejects.toThrow('later has no file x');
    expect(await home.tree()).toEqual(before);
  });
});

describe('credentials that share a file', () => {
  it('keep their secret from others until the last is gone', async () => {
    await home.put('.netrc', 'machine a login b password c\n', 0o644);
    let manifest = await put('wandb', { api_key: 'k' });
    manifest = await put('netrc', { login: 'x', password: 'y' }, manifest, 'git.example.com');
    ({ manifest } = await withdraw({ format: 'netrc', profile: 'git.example.com' }, home.machine, manifest));
    expect((await home.tree())['.netrc']).toMatch(/^600 /);
    ({ manifest } = await withdraw({ format: 'wandb', profile: 'api.wandb.ai' }, home.machine, manifest));
    expect((await home.tree())['.netrc']).toMatch(/^644 /);
  });

  it('are told one by one', async () => {
    let manifest = await put('wandb', { api_key: 'k' });
    manifest = await put('netrc', { login: 'x', password: 'y' }, manifest, 'git.example.com');
    expect(placedCredentials(manifest)).toEqual([
      { format: 'wandb', profile: 'api.wandb.ai', paths: [home.at('.netrc')] },
      { format: 'netrc', profile: 'git.example.com', paths: [home.at('.netrc')] },
    ]);
  });
});

const placements = FORMATS.filter(({ files }) => files.length > 0).flatMap((one) => {
  const profiles = [
    ...new Set([...one.profiles, ...(SHARED_FILES[one.files[0]?.path ?? '']?.profiles ?? [])]),
  ];
  return profiles
    .filter((profile) => one.profileShape.test(profile))
    .map((profile) => credentialsOf(one, profile).map((values) => ({ format: one.name, profile, values })));
});

const homes = fc.record(
  Object.fromEntries(
    Object.entries(SHARED_FILES).map(([path, { texts }]) => [
      path,
      fc.option(fc.record({ text: texts, mode: fc.constantFrom(0o600, 0o644, 0o640, 0o400) }), {
        nil: undefined,
      }),
    ]),
  ),
);

describe('any credentials, placed in any home and withdrawn in any order,', () => {
  it('leave every file and folder as it was, with its mode', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        homes,
        fc.array(fc.oneof(...placements), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat()),
        async (files, credentials, dice) => {
          const there = await makeHome();
          try {
            for (const [path, file] of Object.entries(files))
              if (file) await there.put(path, file.text, file.mode);
            const before = await there.tree();
            let manifest: Manifest = EMPTY_MANIFEST;
            for (const { format: name, values, profile } of credentials) {
              const options = { manifest, overwrite: true, profile };
              ({ manifest } = await place(format(name), values, there.machine, options));
              const again = await place(format(name), values, there.machine, { ...options, manifest });
              expect(again.outcome).toBe('unchanged');
            }
            while (manifest.files.length > 0) {
              const left = placedCredentials(manifest);
              const next = left[(dice.next().value ?? 0) % left.length];
              if (next) ({ manifest } = await withdraw(next, there.machine, manifest));
            }
            expect(await there.tree()).toEqual(before);
          } finally {
            await there.remove();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
