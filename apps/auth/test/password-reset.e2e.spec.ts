import { createHash, randomUUID } from 'node:crypto';
import { runInNewContext } from 'node:vm';
import {
  mailboxOf,
  passwordChanged,
  passwordResetRequested,
  principalChanged,
  resetLink,
} from '@lineclear/contracts';
import { SealingKey } from '@lineclear/kit';
import { refusesBadInput, type Answer } from '@lineclear/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PurgeExpired } from '../src/credentials/purge-expired.js';
import { ADMIN, openAuthHouse, PASSWORD, type AuthHouse } from './auth-house.js';

const RESET = '/api/auth/password-reset';
const COMPLETE = `${RESET}/complete`;
const LOGIN = '/api/auth/login';
const NEW = 'a quiet branch line at noon';
let house: AuthHouse;

beforeAll(async () => {
  house = await openAuthHouse();
});
afterAll(() => house?.close());

let addresses = 0;
/** From an address that nobody used before. */
const fresh = (): Record<string, string> => {
  addresses += 1;
  return { 'x-forwarded-for': `203.0.${addresses >> 8}.${addresses & 255}` };
};
const ask = (username: string, headers = fresh()): Promise<Answer> =>
  house.anonymous.post(RESET, { username }, headers);
const complete = (token: string, password = NEW, headers = fresh()): Promise<Answer> =>
  house.anonymous.post(COMPLETE, { token, new_password: password }, headers);
const requestsOf = (userId: number) =>
  house.peer.events(passwordResetRequested).filter(({ data }) => data.user_id === userId);

/** What the mailer gets when it asks, opened. */
async function linkOf(resetId: string): Promise<URL | undefined> {
  const key = new SealingKey();
  const { box } = await house.peer.ask(resetLink, { reset_id: resetId, public_key: key.publicKey });
  return box === undefined ? undefined : new URL(await key.open(box));
}
const tokenOf = (link: URL | undefined): string => link!.hash.slice(1);

/** Asks for a reset as the person and waits for the event that the mailer hears. */
async function begin(person: { id: number; username: string }): Promise<string> {
  const before = requestsOf(person.id).length;
  expect((await ask(person.username)).status).toBe(202);
  await vi.waitFor(() => expect(requestsOf(person.id)).toHaveLength(before + 1));
  return requestsOf(person.id).at(-1)!.data.reset_id;
}
const beginToken = async (person: { id: number; username: string }): Promise<string> =>
  tokenOf(await linkOf(await begin(person)));

describe('asking', () => {
  it('refuses bad input and other sites, and writes nothing then', async () => {
    const before = await house.rows();
    await refusesBadInput(house.anonymous.post, RESET, { username: 'ada' }, [
      ['username', {}],
      ['username', { username: '' }],
      ['username', { username: 'u'.repeat(255) }],
      ['username', { username: 7 }],
    ]);
    await refusesBadInput(house.anonymous.post, COMPLETE, { token: 'x', new_password: NEW }, [
      ['token', { new_password: NEW }],
      ['token', { token: '', new_password: NEW }],
      ['token', { token: 'x'.repeat(101), new_password: NEW }],
      ['new_password', { token: 'x' }],
      ['new_password', { token: 'x', new_password: 'short' }],
    ]);
    const elsewhere = { origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' };
    expect((await ask(ADMIN.username, elsewhere)).status).toBe(403);
    expect((await complete('x', NEW, elsewhere)).status).toBe(403);
    expect(await house.rows()).toEqual(before);
  });

  it('is answered alike and costs alike whoever it is for, and only who can use it gets a mail', async () => {
    const [ada, closed] = [await house.person('viewer'), await house.person('viewer')];
    await house.admin.patch(`/api/users/${closed.id}`, { is_active: false });
    const robot = await house.admin.post('/api/users', { username: 'robot.1', is_service_account: true });
    expect(robot.status).toBe(201);
    await house.admin.post('/api/users', { username: 'nopass', email: 'nopass@lineclear.test' });
    const vouched = await house.person('viewer');
    await house.service.database.query(
      `insert into external_identities (provider_id, subject, user_id, created_at, last_login_at) values ('okta', 'v', $1, now(), now())`,
      [vouched.id],
    );
    const rows = async (): Promise<number> =>
      (await house.service.database.query('select from password_resets')).length;
    const before = await rows();
    const names = [ada.username, `${ada.username.toUpperCase()}@LineClear.test`, closed.username];
    const all = [...names, vouched.username, 'robot.1', 'nopass', 'nobody', 'nobody@lineclear.test'];
    const answers = await Promise.all(all.map((name) => ask(name)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`))).toEqual(
      new Set(['202 {"success":true}']),
    );
    // A row for each, whoever it is.
    expect(await rows()).toBe(before + all.length);
    await vi.waitFor(() => expect(requestsOf(ada.id)).toHaveLength(2));
    expect(requestsOf(ada.id)[0]!.data).toEqual({
      reset_id: expect.any(String),
      user_id: ada.id,
      username: ada.username,
      email: `${ada.username}@lineclear.test`,
      expires_at: expect.any(String),
    });
    const others = house.peer.events(passwordResetRequested).filter(({ data }) => data.user_id !== ada.id);
    expect(others).toEqual([]);
    const withLink = await house.service.database.query(
      'select from password_resets where user_id is not null',
    );
    expect(withLink).toHaveLength(2);
  });

  it('goes to the address that the mailer is told for other mails too: of people that are there', async () => {
    const [ada, closed] = [await house.person('viewer'), await house.person('viewer')];
    await house.admin.patch(`/api/users/${closed.id}`, { is_active: false });
    const { body } = await house.admin.post('/api/users', { username: 'robot.2', is_service_account: true });
    const mailbox = async (user_id: number) => (await house.peer.ask(mailboxOf, { user_id })).mailbox;
    expect(await mailbox(ada.id)).toEqual({
      username: ada.username,
      email: `${ada.username}@lineclear.test`,
    });
    for (const id of [closed.id, body.id as number, 999_999]) expect(await mailbox(id)).toBeUndefined();
  });

  it('mails one account three times an hour, says nothing of it, and begins anew then', async () => {
    const person = await house.person('viewer');
    for (let n = 0; n < 6; n += 1) expect((await ask(person.username)).status).toBe(202);
    const kept = async (): Promise<number> =>
      (await house.service.database.query('select from password_resets where user_id = $1', [person.id]))
        .length;
    expect(await kept()).toBe(3);
    house.clock.laterMs += 3_601_000;
    expect((await ask(person.username)).status).toBe(202);
    expect(await kept()).toBe(4);
  });

  it('lets an address ask twenty times an hour, whatever the names', async () => {
    const from = fresh();
    for (let n = 0; n < 20; n += 1) expect((await ask(`name${n}`, from)).status).toBe(202);
    const refused = await ask('name20', from);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect((await ask('name20')).status).toBe(202);
    // Whoever forgot a password in that office can still log in.
    expect((await house.anonymous.post(LOGIN, { username: 'root', password: PASSWORD }, from)).status).toBe(
      200,
    );
    house.clock.laterMs += 3_601_000;
    expect((await ask('name20', from)).status).toBe(202);
  });
});

describe('the link', () => {
  it('leads to the page, is new each time, and voids the one before', async () => {
    const resetId = await begin(await house.person('viewer'));
    const [first, second] = [await linkOf(resetId), await linkOf(resetId)];
    expect(first!.origin + first!.pathname).toBe(`http://127.0.0.1:8080${RESET}`);
    expect(tokenOf(first)).toMatch(/^[\w-]{43}$/);
    expect(tokenOf(second)).not.toBe(tokenOf(first));
    expect((await complete(tokenOf(first))).body.errors[0].path).toBe('token');
    expect((await complete(tokenOf(second))).status).toBe(200);
  });

  it('is made five times, not for a reset that is over, and not for a key that opens nothing', async () => {
    const resetId = await begin(await house.person('viewer'));
    const links = [];
    for (let n = 0; n < 5; n += 1) links.push(await linkOf(resetId));
    await expect(house.peer.ask(resetLink, { reset_id: resetId, public_key: 'AAAA' })).rejects.toThrow(
      /sealed/,
    );
    expect(await linkOf(resetId)).toBeUndefined();
    // The last one stays good.
    expect((await complete(tokenOf(links.at(-1)))).status).toBe(200);
    expect(await linkOf(randomUUID())).toBeUndefined();
    const old = await begin(await house.person('viewer'));
    house.clock.laterMs += 1_801_000;
    expect(await linkOf(old)).toBeUndefined();
  });

  it('is voided by what makes it somebody else’s or needless', async () => {
    const changes: ((person: Awaited<ReturnType<AuthHouse['person']>>) => Promise<Answer>)[] = [
      ({ id }) => house.admin.patch(`/api/users/${id}`, { is_active: false }),
      ({ id }) => house.admin.patch(`/api/users/${id}`, { email: `moved.${id}@lineclear.test` }),
      ({ id }) => house.admin.patch(`/api/users/${id}`, { password: 'given by the admin, for now' }),
      ({ id }) => house.admin.delete(`/api/users/${id}`),
      ({ http }) => http.post('/api/auth/change-password', { current_password: PASSWORD, new_password: NEW }),
    ];
    for (const change of changes) {
      const person = await house.person('viewer');
      const resetId = await begin(person);
      const token = tokenOf(await linkOf(resetId));
      expect((await change(person)).status).toBe(200);
      expect(await linkOf(resetId)).toBeUndefined();
      const refused = await complete(token);
      expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'token']);
    }
  });
});

describe('a new password', () => {
  it('is set once: it ends every session, the other links and the lock-out, and is told', async () => {
    const person = await house.person('viewer');
    const [here, there] = [await house.login(person.username), await house.login(person.username)];
    const other = await beginToken(person);
    const token = await beginToken(person);
    for (let n = 0; n < 5; n += 1)
      await house.anonymous.post(LOGIN, { username: person.username, password: 'guess' }, fresh());
    expect(
      (await house.anonymous.post(LOGIN, { username: person.username, password: PASSWORD })).status,
    ).toBe(429);
    const dropped = house.peer
      .events(principalChanged)
      .filter(({ data }) => data.user_id === person.id).length;
    expect((await complete(token)).body).toEqual({ success: true });
    for (const session of [here, there]) expect((await session.http.get('/api/auth/me')).status).toBe(401);
    expect((await person.http.get('/api/auth/me')).status).toBe(200);
    expect(
      (await house.anonymous.post(LOGIN, { username: person.username, password: PASSWORD })).status,
    ).toBe(401);
    expect((await house.anonymous.post(LOGIN, { username: person.username, password: NEW })).status).toBe(
      200,
    );
    for (const used of [token, other]) {
      const refused = await complete(used);
      expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'token']);
    }
    await vi.waitFor(() => {
      const of = (def: typeof passwordChanged | typeof principalChanged) =>
        house.peer.events(def).filter(({ data }) => data.user_id === person.id);
      expect(of(principalChanged)).toHaveLength(dropped + 1);
      expect(of(passwordChanged).map(({ data }) => data)).toEqual([
        { user_id: person.id, username: person.username, email: `${person.username}@lineclear.test` },
      ]);
    });
  });

  it('leaves the link as it is when it will not do', async () => {
    const person = await house.person('viewer');
    const token = await beginToken(person);
    for (const bad of ['password1234', `${person.username}@lineclear.test`, 'qwertyuiopasdf']) {
      const refused = await complete(token, bad);
      expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'new_password']);
    }
    expect((await complete(token)).status).toBe(200);
  });

  it('is set by one of a hundred who bring the same link at once', async () => {
    const person = await house.person('viewer');
    const token = await beginToken(person);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => complete(token, `the ${n}th train of the evening`)),
    );
    const winners = answers.flatMap(({ status }, n) => (status === 200 ? [n] : []));
    expect(winners).toHaveLength(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]));
    const password = `the ${winners[0]}th train of the evening`;
    expect((await house.anonymous.post(LOGIN, { username: person.username, password })).status).toBe(200);
  }, 60_000);

  it('is not set with a link that is too old, and the purge forgets it', async () => {
    const person = await house.person('viewer');
    const token = await beginToken(person);
    house.clock.laterMs += 1_801_000;
    const refused = await complete(token);
    expect([refused.status, refused.body.errors[0].path]).toEqual([400, 'token']);
    await house.service.app.get(PurgeExpired).purge();
    const mine = 'select from password_resets where user_id = $1';
    expect(await house.service.database.query(mine, [person.id])).toEqual([]);
  });

  it('makes an address wait that tries many tokens, there and at the login', async () => {
    const from = fresh();
    for (let n = 0; n < 20; n += 1) expect((await complete(`guess${n}`, NEW, from)).status).toBe(400);
    expect((await complete('guess20', NEW, from)).status).toBe(429);
    expect((await house.anonymous.post(LOGIN, { username: 'root', password: PASSWORD }, from)).status).toBe(
      429,
    );
  });

  it('is told of also where it is changed in another way', async () => {
    const person = await house.person('viewer');
    await person.http.post('/api/auth/change-password', { current_password: PASSWORD, new_password: NEW });
    await house.admin.patch(`/api/users/${person.id}`, { password: 'given by the admin, for now' });
    await vi.waitFor(() =>
      expect(
        house.peer.events(passwordChanged).filter(({ data }) => data.user_id === person.id),
      ).toHaveLength(2),
    );
  });
});

it('keeps a token in no table and no event', async () => {
  const person = await house.person('viewer');
  const resetId = await begin(person);
  const token = tokenOf(await linkOf(resetId));
  const { database } = house.service;
  const tables = await database.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  const rows = await Promise.all(tables.map(({ name }) => database.query(`select t::text from "${name}" t`)));
  const kept = JSON.stringify([rows, house.peer.events(passwordResetRequested)]);
  expect(kept).toContain(resetId);
  expect(kept).not.toContain(token);
  expect((await complete(token)).status).toBe(200);
});

describe('the page', () => {
  it('is whole in itself, and nothing else may run in it, frame it or keep it', async () => {
    const { status, headers, body } = await house.anonymous.get(RESET);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy')!;
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).not.toContain('unsafe');
    for (const tag of ['script', 'style']) expect(policy).toContain(hashOf(body, tag));
    expect(body).not.toMatch(/src=|href=|https?:/);
  });

  it('sends what was typed twice with the token of its address, which it takes out of there', async () => {
    const person = await house.person('viewer');
    const token = await beginToken(person);
    const page = await openPage(token);
    expect(page.history).toEqual([RESET]);
    await page.submit(NEW, 'something else');
    expect(page.said()).toContain('not the same');
    await page.submit('password1234', 'password1234');
    expect(page.said()).toMatch(/^The password is among/);
    await page.submit(NEW, NEW);
    expect(page.said()).toContain('is changed');
    expect((await house.anonymous.post(LOGIN, { username: person.username, password: NEW })).status).toBe(
      200,
    );
    await (await openPage(token)).submit(NEW, NEW);
    expect((await openPage('')).said()).toContain('not whole');
  });
});

/** How a policy names what is inline in a page. */
const hashOf = (page: string, tag: string): string =>
  createHash('sha256')
    .update(new RegExp(`<${tag}>(.*)</${tag}>`, 's').exec(page)![1]!)
    .digest('base64');

/** Runs the page's script with as much of a browser as it uses. */
async function openPage(token: string) {
  const { body } = await house.anonymous.get(RESET);
  const script = /<script>(.*)<\/script>/s.exec(body as string)![1]!;
  const fields: Record<string, { value: string; disabled: boolean }> = {};
  for (const name of ['password', 'again', 'send']) fields[name] = { value: '', disabled: false };
  const [output, history]: [{ textContent: string }, string[]] = [{ textContent: '' }, []];
  let onSubmit: (event: object) => Promise<void> = () => Promise.reject(new Error('nothing listens'));
  const form = {
    hidden: false,
    elements: { namedItem: (name: string) => fields[name] },
    addEventListener: (_: string, listener: typeof onSubmit) => void (onSubmit = listener),
  };
  runInNewContext(script, {
    location: { hash: token === '' ? '' : `#${token}`, pathname: RESET },
    history: { replaceState: (_: null, __: string, path: string) => void history.push(path) },
    document: { querySelector: (name: string) => (name === 'form' ? form : output) },
    fetch: (path: string, init: RequestInit) => fetch(new URL(path, `${house.service.url}${RESET}`), init),
  });
  return {
    history,
    said: () => output.textContent,
    async submit(password: string, again: string) {
      fields['password']!.value = password;
      fields['again']!.value = again;
      await onSubmit({ preventDefault: () => undefined });
    },
  };
}
