import { principalChanged } from '@lineclear/contracts';
import { expectProblem, refusesBadInput, type Answer } from '@lineclear/testkit';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { PROVIDERS } from './auth-house.js';
import { KEYCLOAK, OIDC, openOidcHouse, type OidcHouse } from './oidc-house.js';

let house: OidcHouse;
const LOGOUT = `${OIDC}/backchannel-logout/keycloak`;
const WHO = 'ada';

beforeAll(async () => {
  house = await openOidcHouse();
  await house.admin.post(PROVIDERS, KEYCLOAK(house.provider.issuer));
  await house.admin.post(PROVIDERS, { ...KEYCLOAK(house.provider.issuer), name: 'other' });
  for (const name of [WHO, 'bob'])
    house.provider.people.set(name, { email: `${name}@corp.test`, email_verified: true });
});
afterAll(() => house?.close());

/** As providers send it. */
const tell = (token: string, path = LOGOUT): Promise<Answer> =>
  house.anonymous.post(path, new URLSearchParams({ logout_token: token, more: 'x' }).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
  });
const sids = async (userId: number): Promise<string[]> =>
  (
    await house.service.database.query<{ sid: string }>(
      'select provider_sid as sid from sessions where user_id = $1 order by id',
      [userId],
    )
  ).map(({ sid }) => sid);
const open = async (who = WHO): Promise<{ id: number; isIn: () => Promise<boolean> }> => {
  const answer = await house.enter(who);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const { http } = house.session(answer);
  return { id: answer.body.user.id, isIn: async () => (await http.get('/api/auth/me')).status === 200 };
};

it('ends the one session that the provider names, and tells everyone', async () => {
  const [one, two] = [await open(), await open()];
  const [sid] = await sids(one.id);
  expect(sid).toMatch(/./);
  const answer = await tell(await house.provider.logoutToken({ sub: WHO, sid }));
  expect([answer.status, answer.body]).toEqual([200, { success: true }]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect([await one.isIn(), await two.isIn()]).toEqual([false, true]);
  await vi.waitFor(() =>
    expect(house.peer.events(principalChanged).map(({ data }) => data.user_id)).toContain(one.id),
  );
});

it('ends all sessions of a person with this provider, and no others', async () => {
  const [one, two, bobs] = [await open(), await open(), await open('bob')];
  const token = await house.provider.logoutToken({ sub: WHO });
  expect((await tell(token)).status).toBe(200);
  expect([await one.isIn(), await two.isIn(), await bobs.isIn()]).toEqual([false, false, true]);
});

it('ends nothing for another person’s session, for nobody, and for another provider', async () => {
  const mine = await open();
  const [sid] = await sids(mine.id);
  for (const claims of [{ sub: 'bob', sid }, { sub: 'nobody' }, { sid: 'nothing' }])
    expect((await tell(await house.provider.logoutToken(claims))).status).toBe(200);
  const elsewhere = await house.provider.logoutToken({ sub: WHO });
  expect((await tell(elsewhere, `${OIDC}/backchannel-logout/other`)).status).toBe(200);
  expect(await mine.isIn()).toBe(true);
  expect((await tell(elsewhere, `${OIDC}/backchannel-logout/nobody`)).status).toBe(404);
});

it('takes each token once, of many who bring it', async () => {
  const mine = await open();
  const token = await house.provider.logoutToken({ sub: 'bob' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => tell(token)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const answer of answers.filter(({ status }) => status !== 200))
    expectProblem(answer, 'again', 'logout_token');
  expect(await mine.isIn()).toBe(true);
});

it('refuses every token that is not a good one, and ends nothing', async () => {
  const mine = await open();
  const now = Math.floor(Date.now() / 1_000);
  const bad = [
    { iss: 'https://evil.test' },
    { aud: 'another-client' },
    { exp: now - 120 },
    { iat: now - 3_600 },
    { iat: undefined },
    { jti: undefined },
    { events: {} },
    { nonce: 'n' },
    { sub: undefined },
  ];
  for (const claims of bad) {
    const answer = await tell(await house.provider.logoutToken({ sub: WHO, ...claims }));
    expectProblem(answer, JSON.stringify(claims));
  }
  const [head, body, signature] = (await house.provider.logoutToken({ sub: WHO })).split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  for (const token of [
    `${none}.${body}.`,
    `${head}.${Buffer.from(`{"sub":"${WHO}"}`).toString('base64url')}.${signature}`,
    'x.y.z',
    await house.provider.logoutToken({ sub: WHO }, { alg: 'HS256' }),
    await house.provider.logoutToken({ sub: WHO }, { kid: 'unknown' }),
  ])
    expect((await tell(token)).status, token).toBe(401);
  expect(await mine.isIn()).toBe(true);
  await refusesBadInput(house.anonymous.post, LOGOUT, { logout_token: 'x' }, [
    ['logout_token', {}],
    ['logout_token', { logout_token: '' }],
    ['logout_token', { logout_token: 'x'.repeat(20_001) }],
  ]);
  expectProblem(
    await house.anonymous.post(LOGOUT, 'logout_token=a&logout_token=b', {
      'content-type': 'application/x-www-form-urlencoded',
    }),
    'twice',
    'logout_token',
  );
});

it('says that the provider is away when its keys cannot be had', async () => {
  const token = await house.provider.logoutToken({ sub: WHO });
  await house.admin.post(`${PROVIDERS}/keycloak/test`);
  await house.provider.stop();
  const answer = await tell(token);
  await house.provider.start();
  expect([answer.status, answer.body.detail]).toEqual([503, expect.stringContaining('"keycloak"')]);
  expect((await tell(token)).status).toBe(200);
});
