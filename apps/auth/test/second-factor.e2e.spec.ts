import { hashToken } from '@lineclear/access';
import { loginFailure } from '@lineclear/contracts';
import { refusesBadInput, type Answer } from '@lineclear/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PurgeExpired } from '../src/credentials/purge-expired.js';
import { PASSWORD } from './auth-house.js';
import { FACTORS, LOGIN, openFactorHouse, type FactorHouse } from './factor-house.js';

let house: FactorHouse;
const SECOND = `${LOGIN}/second-factor`;

beforeAll(async () => {
  house = await openFactorHouse();
});
afterAll(() => house?.close());
afterEach(() => {
  house.clock.laterMs = 0;
});

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);
const login = (username: string, more: object = {}, address = '198.51.100.1') =>
  house.anonymous.post(LOGIN, { username, password: PASSWORD, ...more }, { 'x-forwarded-for': address });
/** A code that is none of those that count now. */
function wrongCode(secret: string): string {
  const good = [-30_000, 0, 30_000].map((ms) => house.code(secret, ms));
  return ['000000', '000001', '000002', '000003'].find((code) => !good.includes(code))!;
}

describe('a login with a second factor', () => {
  it('brings a ticket and no cookie for the password, and a session for the code', async () => {
    const { username, id, secret } = await house.withTotp();
    const first = await login(username);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      second_factor: {
        ticket: expect.stringMatching(/^[\w-]{43}$/),
        kinds: ['totp', 'recovery_code'],
        expires_at: expect.any(String),
      },
    });
    expect(first.headers.getSetCookie()).toEqual([]);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const { ticket } = first.body.second_factor;
    const kept = await house.service.database.query('select * from login_tickets');
    expect(JSON.stringify(kept)).not.toContain(ticket);
    expect(JSON.stringify(kept)).not.toContain('argon2');

    const second = await house.finish({ ticket, code: house.nextCode(secret) });
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({ user: { id, username }, csrf_token: expect.any(String) });
    expect(second.headers.getSetCookie()[0]).toMatch(
      /^lineclear_session=[\w-]{43}; Max-Age=86400; .*Secure$/,
    );
    expect(second.headers.get('cache-control')).toBe('no-store');
    const cookie = second.headers.getSetCookie()[0]!.split(';')[0]!;
    expect((await house.anonymous.get('/api/auth/me', { cookie })).body.id).toBe(id);
    expect((await house.finish({ ticket, code: house.nextCode(secret) })).status).toBe(401);
  });

  it('remembers who asked for it with the password, and takes the ticket on another replica', async () => {
    const { username, secret } = await house.withTotp();
    const ticket = await house.ticket(username, { remember_me: true });
    const answer = await house.replica.post(SECOND, { ticket, code: house.nextCode(secret) });
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=2592000');
  });

  it('takes one request from who sends the code along; who has no factor may send one too', async () => {
    const { username, secret } = await house.withTotp();
    const code = house.nextCode(secret);
    expect((await login(username, { password: 'wrong', totp_code: code })).status).toBe(401);
    expect((await login(username, { totp_code: `${code.slice(0, 3)} ${code.slice(3)}` })).status).toBe(200);
    const again = await login(username, { totp_code: code });
    expect([again.status, again.headers.getSetCookie()]).toEqual([401, []]);
    const { username: plain } = await house.someone();
    expect((await login(plain, { totp_code: code })).body).toHaveProperty('csrf_token');
  });

  it('takes no code twice, nor one of before; and those of the steps beside this one', async () => {
    const { username, secret } = await house.withTotp();
    const [earlier, now, later] = [house.nextCode(secret), house.nextCode(secret), house.nextCode(secret)];
    house.clock.laterMs -= 30_000;
    expect((await login(username, { totp_code: now })).status).toBe(200);
    expect((await login(username, { totp_code: earlier })).status).toBe(401);
    expect((await login(username, { totp_code: now })).status).toBe(401);
    expect((await login(username, { totp_code: later })).status).toBe(200);
    house.clock.laterMs += 120_000;
    expect((await login(username, { totp_code: later })).status).toBe(401);
  });

  it('takes each recovery code once, however it is typed, and keeps none in clear', async () => {
    const { username, recoveryCodes, http } = await house.withTotp();
    const [one, other] = recoveryCodes as [string, string];
    expect(recoveryCodes).toHaveLength(10);
    expect(new Set(recoveryCodes).size).toBe(10);
    const rows = JSON.stringify(await house.service.database.query('select * from recovery_codes'));
    expect(rows).not.toContain(one);
    expect(rows).not.toContain(one.replaceAll('-', ''));
    const use = async (code: string) =>
      house.finish({ ticket: await house.ticket(username), recovery_code: code });
    expect((await use(one)).status).toBe(200);
    expect((await use(one)).status).toBe(401);
    expect((await use(other.toUpperCase().replaceAll('-', ''))).status).toBe(200);
    expect((await http.get(FACTORS)).body.recovery_codes_left).toBe(8);
  });

  it('is refused with a ticket or a factor of somebody else', async () => {
    const [ann, bob] = [await house.withTotp(), await house.withTotp()];
    const ticket = await house.ticket(ann.username);
    expect((await house.finish({ ticket, code: house.nextCode(bob.secret) })).status).toBe(401);
    expect((await house.finish({ ticket, recovery_code: bob.recoveryCodes[0] })).status).toBe(401);
    expect(
      (await house.finish({ ticket: await house.ticket(bob.username), code: house.code(bob.secret) })).status,
    ).toBe(200);
  });

  it('is over after five minutes, with a new password, or when the account is closed', async () => {
    const late = await house.withTotp();
    const lateTicket = await house.ticket(late.username);
    house.clock.laterMs += 300_001;
    expect((await house.finish({ ticket: lateTicket, code: house.nextCode(late.secret) })).status).toBe(401);

    const changed = await house.withTotp();
    const changedTicket = await house.ticket(changed.username);
    await house.admin.patch(`/api/users/${changed.id}`, { password: 'another lever to pull' });
    expect((await house.finish({ ticket: changedTicket, code: house.nextCode(changed.secret) })).status).toBe(
      401,
    );

    const closed = await house.withTotp();
    const closedTicket = await house.ticket(closed.username);
    await house.admin.patch(`/api/users/${closed.id}`, { is_active: false });
    const refused = await house.finish({ ticket: closedTicket, code: house.nextCode(closed.secret) });
    expect([refused.status, refused.headers.getSetCookie()]).toEqual([401, []]);
  });

  it('leaves nothing of what was begun and never ended', async () => {
    const { username } = await house.withTotp();
    await house.ticket(username);
    await house.anonymous.post(`${LOGIN}/passkey/options`, {});
    const half = await house.someone();
    await half.http.post(`${FACTORS}/totp`, { current_password: PASSWORD });
    const left = async () =>
      house.service.database.query(
        `select (select count(*) from login_tickets) as tickets, (select count(*) from passkey_challenges) as challenges,
           (select count(*) from totp_factors where confirmed_at is null) as apps`,
      );
    expect(await left()).not.toEqual([{ tickets: 0, challenges: 0, apps: 0 }]);
    // Later than all that other tests have begun, by whatever clock.
    house.clock.laterMs = 86_400_000;
    await house.service.app.get(PurgeExpired).purge();
    expect(await left()).toEqual([{ tickets: 0, challenges: 0, apps: 0 }]);
  });
});

describe('wrong codes', () => {
  it('end a ticket after five, count for the account, and are told like wrong passwords', async () => {
    const { id, username, secret } = await house.withTotp();
    const ticket = await house.ticket(username);
    for (let n = 1; n <= 5; n += 1)
      expect((await house.finish({ ticket, code: wrongCode(secret) }, `203.0.113.${n}`)).status).toBe(401);
    await vi.waitFor(() =>
      expect(house.peer.events(loginFailure).filter(({ data }) => data.user_id === id)).toHaveLength(5),
    );
    const locked = await login(username, { totp_code: house.code(secret) }, '203.0.113.9');
    expect(locked.status).toBe(429);
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    house.clock.laterMs += 60_000;
    expect((await house.finish({ ticket, code: house.code(secret) })).status).toBe(401);
    expect((await login(username, { totp_code: house.code(secret) })).status).toBe(200);
  });

  it('are not forgotten with a right password alone', async () => {
    const { username, secret } = await house.withTotp();
    for (let n = 1; n <= 5; n += 1) {
      const ticket = await house.ticket(username);
      expect((await house.finish({ ticket, code: wrongCode(secret) }, `203.0.113.${n}`)).status).toBe(401);
    }
    expect((await login(username, {}, '203.0.113.20')).status).toBe(429);
  });

  it('answer 429 to a good ticket while the account is locked', async () => {
    const { username, secret } = await house.withTotp();
    const ticket = await house.ticket(username);
    for (let n = 1; n <= 5; n += 1) await login(username, { password: 'wrong' }, `203.0.113.${n}`);
    const code = house.nextCode(secret);
    house.clock.laterMs -= 30_000;
    expect((await house.finish({ ticket, code })).status).toBe(429);
    house.clock.laterMs += 30_000;
    expect((await house.finish({ ticket, code })).status).toBe(200);
  });

  it('count for the address they came from', async () => {
    const { username, secret } = await house.withTotp();
    const address = '203.0.113.77';
    const ticket = await house.ticket(username);
    for (let n = 1; n <= 16; n += 1) expect((await login(`nobody${n}`, {}, address)).status).toBe(401);
    for (let n = 1; n <= 4; n += 1)
      expect((await house.finish({ ticket, code: wrongCode(secret) }, address)).status).toBe(401);
    const code = house.nextCode(secret);
    house.clock.laterMs -= 30_000;
    expect((await house.finish({ ticket, code }, address)).status).toBe(429);
  });
});

describe('of a hundred at once', () => {
  it('one ticket lets in one, on two replicas', async () => {
    const { username, secret } = await house.withTotp();
    const ticket = await house.ticket(username);
    const code = house.nextCode(secret);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        (n % 2 ? house.replica : house.anonymous).post(
          SECOND,
          { ticket, code },
          { 'x-forwarded-for': `192.0.2.${n}` },
        ),
      ),
    );
    expect(statuses(answers).filter((status) => status === 200)).toHaveLength(1);
    expect(statuses(answers).filter((status) => status === 401)).toHaveLength(99);
  });

  it('one recovery code lets in one', async () => {
    const { username, id, recoveryCodes } = await house.withTotp();
    await house.ticket(username);
    const tickets = Array.from({ length: 100 }, (_, n) => `ticket ${id} ${n}`);
    await house.service.database.query(
      `insert into login_tickets (ticket_sha256, user_id, password_sha256, remember_me, expires_at)
       select sha256, user_id, password_sha256, remember_me, expires_at from login_tickets, unnest($2::text[]) as sha256
       where user_id = $1`,
      [id, tickets.map(hashToken)],
    );
    const answers = await Promise.all(
      tickets.map((ticket, n) => house.finish({ ticket, recovery_code: recoveryCodes[0] }, `192.0.2.${n}`)),
    );
    expect(statuses(answers).filter((status) => status === 200)).toHaveLength(1);
  });
});

it('refuses bad input and other sites, and writes nothing', async () => {
  const { username } = await house.withTotp();
  const ticket = await house.ticket(username);
  const before = await house.rows();
  await refusesBadInput(house.anonymous.post, SECOND, { ticket, code: '123456' }, [
    ['ticket', { code: '123456' }],
    ['ticket', { ticket: '', code: '123456' }],
    ['ticket', { ticket: 't'.repeat(101), code: '123456' }],
    ['code', { ticket }],
    ['code', { ticket, code: '12345' }],
    ['code', { ticket, code: 123456 }],
    ['code', { ticket, code: '12345a' }],
    ['code', { ticket, code: '123456', recovery_code: 'abcd-efgh-ijkl-mnop' }],
    ['recovery_code', { ticket, recovery_code: 'abcd' }],
    ['recovery_code', { ticket, recovery_code: 'x'.repeat(61) }],
    ['passkey', { ticket, passkey: 'x' }],
    ['passkey.response', { ticket, passkey: { id: 'a', rawId: 'a', type: 'public-key' } }],
  ]);
  await refusesBadInput(house.anonymous.post, `${SECOND}/options`, { ticket }, [
    ['ticket', {}],
    ['ticket', { ticket: 7 }],
  ]);
  await refusesBadInput(house.anonymous.post, LOGIN, { username, password: PASSWORD }, [
    ['totp_code', { username, password: PASSWORD, totp_code: '1234567' }],
  ]);
  const foreign = { 'sec-fetch-site': 'cross-site' };
  for (const path of [SECOND, `${SECOND}/options`]) {
    const body = path === SECOND ? { ticket, code: '123456' } : { ticket };
    expect((await house.anonymous.post(path, body, foreign)).status, path).toBe(403);
  }
  for (const path of [SECOND, `${SECOND}/options`]) {
    const body = path === SECOND ? { ticket: 'none such', code: '123456' } : { ticket: 'none such' };
    expect((await house.anonymous.post(path, body)).status, path).toBe(401);
  }
  expect(await house.rows()).toEqual(before);
});
