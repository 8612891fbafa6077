import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { startHouse, type House } from '@lineclear/launcher';
import { makeScratchFolder } from '@lineclear/servers';
import { client } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ok } from './furnish.js';

const PASSWORD = 'a phrase of several words';
let home: string;
let house: House;

beforeAll(async () => {
  home = makeScratchFolder('page');
  house = await startHouse({
    home: join(home, 'house'),
    durable: false,
    env: { ...process.env, LINECLEAR_LOG_LEVEL: 'error' },
  });
}, 180_000);
afterAll(async () => {
  await house?.stop();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('shows a job to whoever is logged in and may see it, and to nobody else', async () => {
  const admin = client(house.url, house.adminKey);
  for (const username of ['ada', 'bob'])
    ok(
      await admin.post('/api/users', {
        username,
        email: `${username}@lineclear.test`,
        password: PASSWORD,
        level_names: ['researcher'],
      }),
      201,
    );
  ok(await admin.post('/api/approvals/rules', { name: 'all', condition: 'cost_exceeds', threshold: 0 }), 201);
  ok(
    await admin.put('/api/cloud/providers/local/config', {
      hardware: { local: { cost_per_hour_usd: 5 } },
    }),
  );
  const ada = openBrowser();
  const csrf = await ada.logIn('ada');
  const { job_id } = ok(
    await client(house.url).post(
      '/api/cloud/local/submit',
      {
        config_name: 'digits <b>',
        config: { command: ['true'] },
        hardware: 'local',
        estimated_duration_seconds: 3_600,
      },
      { cookie: ada.cookie(), 'x-csrf-token': csrf },
    ),
    202,
  );

  const own = await ada.open(job_id);
  await vi.waitFor(() => expect(own.fact('State')).toBe('pending approval'));
  expect([own.fact('Config'), own.fact('Of'), own.fact('Estimated cost')]).toEqual([
    'digits <b>',
    'ada',
    '$5.00',
  ]);
  expect(own.fact('Waits for')).toMatch(/^somebody of level lead to approve it/);
  expect(own.steps()).toEqual([
    expect.stringMatching(/^submitted: 20/),
    expect.stringMatching(/^pending approval: 20/),
  ]);
  expect(own.isShown('form')).toBe(false);

  const nobody = await openBrowser().open(job_id);
  await vi.waitFor(() => expect(nobody.said()).toBe('Log in to look at it.'));
  expect([nobody.fact('State'), nobody.isShown('form'), nobody.isShown('#session')]).toEqual([
    undefined,
    true,
    false,
  ]);
  await nobody.submit({ username: 'ada', password: 'wrong' });
  expect(nobody.said()).toContain('wrong');
  await nobody.submit({ username: 'ada', password: PASSWORD });
  expect([nobody.fact('Config'), nobody.said(), nobody.isShown('form')]).toEqual(['digits <b>', '', false]);
  await nobody.press('#session');
  expect([nobody.fact('Config'), nobody.said(), nobody.isShown('form')]).toEqual([
    undefined,
    'Log in to look at it.',
    true,
  ]);

  const bob = openBrowser();
  await bob.logIn('bob');
  for (const other of [job_id, `job_${'0'.repeat(32)}`]) {
    const page = await bob.open(other);
    await vi.waitFor(() => expect(page.said()).toBe('There is no such job, or it is not yours to see.'));
    expect([page.fact('State'), page.isShown('#session')]).toEqual([undefined, true]);
  }
});

interface Element {
  textContent: string;
  hidden: boolean;
  readonly children: Element[];
  listener?: (event: object) => Promise<void>;
}

/** As much of a browser as the page uses, with cookies of its own. */
function openBrowser() {
  let cookie = '';
  const load = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = {
      ...(init.headers as Record<string, string>),
      origin: house.url,
      ...(cookie && { cookie }),
    };
    const answer = await fetch(new URL(path, house.url), { ...init, headers });
    for (const line of answer.headers.getSetCookie())
      cookie = line.includes('Max-Age=0') ? '' : line.split(';')[0]!;
    return answer;
  };
  return {
    cookie: () => cookie,
    async logIn(username: string): Promise<string> {
      const answer = await load('/api/auth/login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ username, password: PASSWORD }),
      });
      return ((await answer.json()) as { csrf_token: string }).csrf_token;
    },
    async open(jobId: string) {
      const path = `/jobs/${jobId}`;
      const script = /<script>(.*)<\/script>/s.exec(await (await load(path)).text())![1]!;
      const make = () => {
        const made = {
          textContent: '',
          hidden: true,
          children: [] as Element[],
          replaceChildren: (...given: Element[]) => void made.children.splice(0, Infinity, ...given),
          addEventListener: (_: string, listener: Element['listener']) =>
            void Object.assign(made, { listener }),
        };
        return made;
      };
      const page = new Map<string, Element>(
        ['form', 'dl', 'ol', 'output', '#session'].map((name) => [name, make()]),
      );
      const fields = new Map(
        ['username', 'password', 'totp_code', 'login'].map((name) => [name, { value: '', disabled: false }]),
      );
      Object.assign(page.get('form')!, { elements: { namedItem: (name: string) => fields.get(name) } });
      runInNewContext(script, {
        location: { pathname: path },
        document: { querySelector: (name: string) => page.get(name), createElement: make },
        fetch: (to: string, init: RequestInit) => load(new URL(to, `${house.url}${path}`).pathname, init),
      });
      const [facts, steps] = [page.get('dl')!, page.get('ol')!];
      return {
        said: () => page.get('output')!.textContent,
        isShown: (name: string) => !page.get(name)!.hidden,
        fact: (name: string) =>
          facts.children[facts.children.findIndex(({ textContent }) => textContent === name) + 1 || Infinity]
            ?.textContent,
        steps: () => steps.children.map(({ textContent }) => textContent),
        press: (name: string) => page.get(name)!.listener!({}),
        async submit(given: Record<string, string>) {
          for (const [name, value] of Object.entries(given)) fields.get(name)!.value = value;
          await page.get('form')!.listener!({ preventDefault: () => undefined });
        },
      };
    },
  };
}
