import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Clock, Conflict, Unavailable } from '@lineclear/kit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filePlaces } from './file-places.js';
import { FileSource } from './file-source.js';

class SetClock extends Clock {
  ms = 1_000_000;
  override now(): Date {
    return new Date(this.ms);
  }
}

let dir: string;
let clock: SetClock;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lineclear-file-'));
  clock = new SetClock();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const inHome = (checkSeconds = 0): FileSource => {
  const places = filePlaces({ file: undefined, houseFolder: undefined, homeFolder: dir });
  if (!places) throw new Error('a home has places');
  return new FileSource(places, clock, checkSeconds);
};
const at = (path: string, checkSeconds = 0): FileSource =>
  new FileSource({ readable: [path], writable: [path], made: path }, clock, checkSeconds);
async function put(name: string, text: string, mode = 0o600): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return path;
}
const values = async (source: FileSource, ...names: string[]): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await source.find('global', names))].map(([name, { value }]) => [name, value.reveal()]),
  );

describe('which file it is', () => {
  it('is the first that exists of the usual ones, those of SimpleTuner last', async () => {
    const source = inHome();
    expect(await values(source, 'A')).toEqual({});
    await put('.simpletuner/secrets.yml', 'A: 6\n');
    expect(await values(source, 'A')).toEqual({ A: '6' });
    await put('.simpletuner/secrets.yaml', 'A: 5\n');
    await put('.simpletuner/secrets.json', '{"A": 4}');
    expect(await values(source, 'A')).toEqual({ A: '4' });
    await put('.lineclear/secrets.yml', 'A: 3\n');
    expect(await values(source, 'A')).toEqual({ A: '3' });
    await put('.lineclear/secrets.yaml', '{"A": 2}');
    expect(await values(source, 'A')).toEqual({ A: '2' });
    await put('.lineclear/secrets.json', '{"A": 1}');
    expect(await values(source, 'A')).toEqual({ A: '1' });
  });

  it.each([
    [{ file: '/x/s.yaml', houseFolder: '/h', homeFolder: '/u' }, '/x/s.yaml'],
    [{ file: undefined, houseFolder: '/h', homeFolder: '/u' }, '/h/secrets.json'],
    [{ file: undefined, houseFolder: undefined, homeFolder: '/u' }, '/u/.lineclear/secrets.json'],
    [{ file: undefined, houseFolder: undefined, homeFolder: undefined }, undefined],
  ])('with %j is made as %s', (from, made) => expect(filePlaces(from)?.made).toBe(made));

  it('never writes that of SimpleTuner, and does not hide it with a new one', async () => {
    const path = await put('.simpletuner/secrets.json', '{"A": "theirs"}');
    await expect(inHome().set('B', 'x')).rejects.toThrow(Conflict);
    expect(await readFile(path, 'utf8')).toBe('{"A": "theirs"}');
    expect(await values(inHome(), 'A')).toEqual({ A: 'theirs' });
  });
});

describe('what is in it', () => {
  it('is found exactly, then as the environment would have it', async () => {
    const source = at(await put('s.json', '{"HF_TOKEN": "upper", "hf.token": "exact", "__proto__": "x"}'));
    expect(await values(source, 'HF_TOKEN', 'hf-token', 'hf.token', 'constructor')).toEqual({
      HF_TOKEN: 'upper',
      'hf-token': 'upper',
      'hf.token': 'exact',
    });
    expect(await source.presence('global', 'hf-token')).toEqual({
      has: true,
      note: expect.stringContaining('HF_TOKEN in '),
    });
  });

  it('is not there when it is empty, so that the next source is asked', async () => {
    expect(await values(at(await put('s.json', '{"A": ""}')), 'A')).toEqual({});
  });

  it('is seen as it is now, without a restart: rotated, replaced, gone and back', async () => {
    const path = await put('s.json', '{"A": "old"}');
    const source = at(path);
    expect(await values(source, 'A')).toEqual({ A: 'old' });
    await put('new.json', '{"A": "new"}');
    await rename(join(dir, 'new.json'), path);
    expect(await values(source, 'A')).toEqual({ A: 'new' });
    await rm(path);
    expect(await values(source, 'A')).toEqual({});
    await put('s.json', '{"A": "back"}');
    expect(await values(source, 'A')).toEqual({ A: 'back' });
  });

  it('is looked at no more often than set', async () => {
    const path = await put('s.json', '{"A": "old"}');
    const source = at(path, 10);
    await values(source, 'A');
    await writeFile(path, '{"A": "rotated"}');
    clock.ms += 9_999;
    expect(await values(source, 'A')).toEqual({ A: 'old' });
    clock.ms += 1;
    expect(await values(source, 'A')).toEqual({ A: 'rotated' });
  });
});

describe('a file that is refused', () => {
  it.each([
    [0o640, 'mode 640'],
    [0o604, 'mode 604'],
    [0o620, 'mode 620'],
    [0o602, 'mode 602'],
  ])('is one that others may use (%o)', async (mode, why) => {
    const path = await put('s.json', '{"A": "hunter2"}', mode);
    await expect(values(at(path), 'A')).rejects.toThrow(Unavailable);
    await expect(values(at(path), 'A')).rejects.toThrow(`${path} is open to others (${why})`);
  });

  it('is one that is opened to others later', async () => {
    const path = await put('s.json', '{"A": "x"}');
    const source = at(path);
    await values(source, 'A');
    await chmod(path, 0o644);
    await expect(values(source, 'A')).rejects.toThrow('open to others');
  });

  it.each<[string, string, string]>([
    ['s.json', '{"A": "hunter2"', 'malformed at line 1'],
    ['s.yaml', 'B: 1\nA: "hunter2\n', 'malformed at line'],
    ['s.json', '["hunter2"]', 'is not an object'],
    ['s.json', '{"A": {"hunter2": 1}}', 'A (line 1)'],
    ['s.json', 'A: hunter2', 'is not JSON'],
    ['s.json', '', 'is empty'],
    ['s.json', `{"A": "${'x'.repeat(1_048_576)}"}`, 'larger than 1 MiB'],
  ])('is %s with wrong content', async (name, text, why) => {
    const error: unknown = await values(at(await put(name, text)), 'A').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Unavailable);
    expect((error as Error).message).toContain(why);
    expect((error as Error).message).toContain(join(dir, name));
    expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain('hunter2');
  });

  it('is a folder, or a pipe, which does not hold anybody up', async () => {
    await mkdir(join(dir, 'folder.json'), { mode: 0o700 });
    await expect(values(at(join(dir, 'folder.json')), 'A')).rejects.toThrow(
      /not a regular file|cannot be read/,
    );
    execFileSync('/bin/sh', ['-c', 'mkfifo -m 600 "$0"', join(dir, 'pipe.json')]);
    await expect(values(at(join(dir, 'pipe.json')), 'A')).rejects.toThrow('not a regular file');
  });

  it('is not written either', async () => {
    const path = await put('s.json', '{"A": "x"}', 0o644);
    await expect(at(path).set('B', 'y')).rejects.toThrow('open to others');
    expect(await readFile(path, 'utf8')).toBe('{"A": "x"}');
  });
});

describe('writing', () => {
  it('makes the file where there is none, for this user alone from its first moment', async () => {
    const source = inHome();
    await source.set('HF_TOKEN', 'hf_1');
    const path = join(dir, '.lineclear', 'secrets.json');
    expect(await readFile(path, 'utf8')).toBe('{\n  "HF_TOKEN": "hf_1"\n}\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(path, '..'))).toEqual(['secrets.json']);
    expect(await values(source, 'HF_TOKEN')).toEqual({ HF_TOKEN: 'hf_1' });
  });

  it('leaves no moment in which others could read it', async () => {
    const path = await put('s.json', '{}');
    const source = at(path);
    const seen = new Set<number>();
    let isDone = false;
    const setting = (async () => {
      for (let n = 0; n < 10; n += 1) await source.set(`N${n}`, 'x'.repeat(60_000));
      isDone = true;
    })();
    while (!isDone) {
      for (const file of await readdir(dir)) {
        const stats = await stat(join(dir, file)).catch(() => undefined);
        if (stats) seen.add(stats.mode & 0o777);
      }
    }
    await setting;
    expect([...seen]).toEqual([0o600]);
    expect(await readdir(dir)).toEqual(['s.json']);
  });

  it('shows what was set at once, however seldom the file is looked at', async () => {
    const source = at(await put('s.yaml', '# mine\nA: 1\n'), 3_600);
    await values(source, 'A');
    await source.set('A', '2');
    expect(await values(source, 'A')).toEqual({ A: '2' });
    expect(await source.remove('A')).toBe(true);
    expect(await source.remove('A')).toBe(false);
    expect(await values(source, 'A')).toEqual({});
    expect(await readFile(join(dir, 's.yaml'), 'utf8')).toContain('# mine');
  });

  it('loses none of many changes at once', async () => {
    const source = at(await put('s.json', '{}'));
    const names = Array.from({ length: 25 }, (_, n) => `N${n}`);
    await Promise.all(names.map((name) => source.set(name, name)));
    expect(Object.keys(await values(source, ...names))).toHaveLength(25);
    await Promise.all(names.map((name) => source.remove(name)));
    expect(await readFile(join(dir, 's.json'), 'utf8')).toBe('{}\n');
  });

  it('goes on after one that failed', async () => {
    const path = await put('s.json', 'broken');
    const source = at(path);
    await expect(source.set('A', '1')).rejects.toThrow(Unavailable);
    await put('s.json', '{}');
    await source.set('A', '1');
    expect(await values(source, 'A')).toEqual({ A: '1' });
  });

  it('refuses a text that would be too large, and leaves the file', async () => {
    const path = await put('s.json', `{"A": "${'x'.repeat(1_048_500)}"}`);
    await expect(at(path).set('B', 'y'.repeat(200))).rejects.toThrow(Conflict);
    expect(Object.keys(await values(at(path), 'A', 'B'))).toEqual(['A']);
  });

  it('replaces what a link leads to, and leaves the link', async () => {
    const path = await put('real/s.json', '{"A": "1"}');
    const link = join(dir, 'link.json');
    await symlink(path, link);
    await at(link).set('A', '2');
    expect(await values(at(path), 'A')).toEqual({ A: '2' });
    expect(await values(at(link), 'A')).toEqual({ A: '2' });
  });
});
