import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const SERVICE = ['access', 'bus', 'contracts', 'kit'];

/** Who may depend on whom. A line that is missing here is a dependency that must not be. */
const PICTURE: Readonly<Record<string, readonly string[]>> = {
  'libs/contracts': [],
  'libs/kit': ['contracts'],
  'libs/bus': ['contracts', 'kit'],
  'libs/access': ['bus', 'contracts', 'kit'],
  'libs/credentials': [],
  'libs/kubernetes': ['credentials'],
  'libs/processes': ['redact'],
  'libs/redact': [],
  'libs/servers': [],
  'libs/testkit': ['bus', 'contracts', 'kit', 'servers'],
  'apps/auth': SERVICE,
  'apps/secrets': [...SERVICE, 'redact'],
  'apps/approvals': SERVICE,
  'apps/queue-scheduler': SERVICE,
  'apps/notifier': SERVICE,
  'apps/job-poller': [...SERVICE, 'processes', 'redact'],
  'apps/gateway': [],
  'apps/launcher': ['servers'],
  'apps/cli': ['credentials', 'kit', 'kubernetes', 'processes', 'redact'],
};

describe('projects depend on each other as in the picture', () => {
  const found = ['apps', 'libs'].flatMap((folder) =>
    readdirSync(new URL(folder, root)).map((name) => `${folder}/${name}`),
  );

  it('knows every project', () => {
    expect(found.sort()).toEqual(Object.keys(PICTURE).sort());
  });

  it.each(Object.entries(PICTURE))('%s', (project, allowed) => {
    const { dependencies = {} } = JSON.parse(
      readFileSync(new URL(`${project}/package.json`, root), 'utf8'),
    ) as { dependencies?: Record<string, string> };
    const used = Object.keys(dependencies)
      .filter((name) => name.startsWith('@lineclear/'))
      .map((name) => name.slice('@lineclear/'.length));
    expect(used.filter((name) => !allowed.includes(name))).toEqual([]);
    const { references = [] } = JSON.parse(
      readFileSync(new URL(`${project}/tsconfig.json`, root), 'utf8'),
    ) as { references?: { path: string }[] };
    expect(references.map(({ path }) => path.replace(/.*\//, '')).sort(), 'tsconfig references').toEqual(
      used.sort(),
    );
  });
});

describe('every service', () => {
  it.each(Object.keys(PICTURE).filter((project) => project.startsWith('apps/')))(
    '%s has a README and one main',
    (project) => {
      expect(existsSync(new URL(`${project}/README.md`, root))).toBe(true);
      expect(existsSync(new URL(`${project}/src/main.ts`, root))).toBe(true);
    },
  );

  it('has a command line that starts without what services load', () => {
    const files = readdirSync(new URL('apps/cli/src', root), { recursive: true, encoding: 'utf8' });
    const heavy = files.filter(
      (file) =>
        file.endsWith('.ts') &&
        readFileSync(new URL(`apps/cli/src/${file}`, root), 'utf8').includes("from '@lineclear/kit'"),
    );
    expect(heavy).toEqual([]);
  });

  it('reads the environment in its config only', () => {
    // The supervisor of a local run is a program of its own: its environment is the run's.
    const readers = Object.keys(PICTURE)
      .flatMap((project) =>
        readdirSync(new URL(`${project}/src`, root), { recursive: true, encoding: 'utf8' }).map(
          (file) => `${project}/src/${file}`,
        ),
      )
      .filter((file) => file.endsWith('.ts'))
      .filter(
        (file) =>
          !file.endsWith('.spec.ts') &&
          !/\/(config|main|local-supervisor)\.ts$/.test(file) &&
          !file.startsWith('libs/testkit'),
      )
      .filter((file) => readFileSync(new URL(file, root), 'utf8').includes('process.env'));
    expect(readers).toEqual([]);
  });
});
