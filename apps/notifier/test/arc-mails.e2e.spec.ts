import { auditRecorded } from '@lineclear/contracts';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { dns, newReplyAddress, sealOf, write, type AMail, type ASeal } from './mail-server.js';
import { openMailboxHouse, PATIENT, type MailboxHouse } from './mailbox-house.js';

const CHANNELS = '/api/cloud/notifications/channels';
const TRUSTED = 'sealer.test';
const PASS = 'mx.sealer.test; dkim=pass header.d=team.test; dmarc=pass (p=REJECT) header.from=team.test';
const SEAL: ASeal = { i: 1, by: TRUSTED, results: PASS, cv: 'none' };
let at: MailboxHouse;

beforeAll(async () => {
  at = await openMailboxHouse();
  await trust([TRUSTED]);
});
afterAll(() => at?.stop());
// Other files share it.
afterEach(() => {
  dns.isAway = false;
});

async function change(fields: object, mailboxesOpen: number): Promise<void> {
  const { status, body } = await at.house.admin.patch(`${CHANNELS}/${at.channelId}`, fields);
  expect(status).toBe(200);
  expect(body).toMatchObject(fields);
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${at.house.service.url}/metrics`)).text();
    expect(metrics).toMatch(new RegExp(`^lineclear_mailboxes_open\\S* ${mailboxesOpen}$`, 'mu'));
  }, PATIENT);
}
/** From the next mail on. */
async function trust(sealers: readonly string[]): Promise<void> {
  await change({ is_enabled: false }, 0);
  await change({ is_enabled: true, reply_arc_sealers: sealers }, 1);
}

/** A genuine answer as it is after a list gave it another subject: its signature is broken. */
async function forwarded(mail: AMail): Promise<string> {
  const raw = (await write(mail)).toString('latin1');
  return raw.replace('Subject: ', 'Subject: [team] ');
}
const sealed = async (raw: string, seal: Partial<ASeal> = {}): Promise<string> =>
  `${await sealOf(raw, { ...SEAL, ...seal })}${raw}`;

let mails = 0;
interface Sent {
  readonly id: string;
  readonly address: string;
  readonly token: string;
}
const newMail = (): Sent => ({ id: `<arc-${(mails += 1)}@team.test>`, ...newReplyAddress() });

/** Delivers what is made of a genuine answer, and tells what became of it. */
async function deliver(
  make: (mail: { to: string; messageId: string }) => Promise<string>,
): Promise<{ sender: unknown; why: unknown; events: object[] }> {
  const { id, address, token } = newMail();
  const raw = await make({ to: address, messageId: id });
  await at.server.deliver(Buffer.from(raw, 'latin1'), address);
  const { sender, why } = await at.handled(id);
  await vi.waitFor(() => expect(at.events(token)).toHaveLength(1), PATIENT);
  return { sender, why, events: at.events(token) };
}

it('believes a sealer whom it is told to trust, and nobody before', async () => {
  await trust([]);
  const make = async (mail: AMail) => sealed(await forwarded(mail));
  expect(await deliver(make)).toMatchObject({ sender: 'unproven' });
  await trust(['other.test', TRUSTED]);
  const { sender, events } = await deliver(make);
  expect(sender).toBe('trusted_relay');
  expect(events).toMatchObject([{ from: 'lead@team.test', sender: 'trusted_relay', verdict: 'approve' }]);
  const entries = at.house.peer.events(auditRecorded).map(({ data }) => data);
  expect(entries).toContainEqual(
    expect.objectContaining({
      action: 'channel.changed',
      details: expect.objectContaining({ settings: ['mailbox.arcSealers'] }),
    }),
  );
  await trust([TRUSTED]);
  // Where its own signature is whole, nobody else is asked.
  expect(await deliver(async (mail) => sealed((await write(mail)).toString('latin1')))).toMatchObject({
    sender: 'dmarc',
  });
});

it('believes it of a mail that went through other hands before', async () => {
  const make = async (mail: AMail) => {
    const first = await sealed(await forwarded(mail), { by: 'other.test' });
    return sealed(first, { i: 2, cv: 'pass', results: `${PASS}; arc=pass` });
  };
  expect(await deliver(make)).toMatchObject({ sender: 'trusted_relay' });
});

it('waits for DNS that does not tell the key of a sealer', async () => {
  const { id, address } = newMail();
  const raw = await sealed(await forwarded({ to: address, messageId: id, signedBy: null }));
  dns.isAway = true;
  await at.server.deliver(Buffer.from(raw, 'latin1'), address);
  const other = newMail();
  const list = await write({ to: other.address, messageId: other.id, headers: { 'List-Id': 'team.test' } });
  await at.server.deliver(list, other.address);
  await at.handled(other.id);
  dns.isAway = false;
  expect(await at.handled(id)).toMatchObject({ kind: 'reply', sender: 'trusted_relay' });
});

const FAIL = PASS.replace('dmarc=pass', 'dmarc=fail');
it.each<[string, (mail: AMail) => Promise<string>, string]>([
  [
    'of an untrusted sealer',
    async (mail) => sealed(await forwarded(mail), { by: 'other.test' }),
    'not of a trusted sealer',
  ],
  [
    'sealed below the trusted domain',
    async (mail) => sealed(await forwarded(mail), { by: `a.${TRUSTED}` }),
    'not of a trusted sealer',
  ],
  [
    "with a key that is not the sealer's",
    async (mail) => sealed(await forwarded(mail), { isForged: true }),
    'not valid',
  ],
  [
    'that failed DMARC where it was sealed',
    async (mail) => sealed(await forwarded(mail), { results: FAIL }),
    'does not say dmarc=pass',
  ],
  [
    "that passed DMARC as another domain's",
    async (mail) => sealed(await forwarded(mail), { results: PASS.replace('from=team', 'from=evil') }),
    'of another domain',
  ],
  [
    "with another word put on top of the sealer's",
    async (mail) =>
      `ARC-Authentication-Results: i=1; ${PASS}\r\n${await sealed(await forwarded(mail), { results: FAIL })}`,
    'no whole chain',
  ],
  [
    "with another word put below the sealer's",
    async (mail) =>
      (await sealed(await forwarded(mail), { results: FAIL })).replace(
        '\r\nFrom: ',
        `\r\nARC-Authentication-Results: i=1; ${PASS}\r\nFrom: `,
      ),
    'no whole chain',
  ],
  [
    "whose sealer's word was changed",
    async (mail) =>
      (await sealed(await forwarded(mail), { results: FAIL })).replace('dmarc=fail', 'dmarc=pass'),
    'not valid',
  ],
  [
    'whose words were changed after it was sealed',
    async (mail) =>
      (await sealed(await forwarded({ ...mail, text: 'Reject' }))).replace(
        '\r\n\r\nReject',
        '\r\n\r\nApprove',
      ),
    'not valid',
  ],
  [
    'whose sender was changed after it was sealed',
    async (mail) =>
      (await sealed(await forwarded({ ...mail, from: 'ada@team.test' }))).replace(
        'From: ada@team.test',
        'From: lead@team.test',
      ),
    'not valid',
  ],
  [
    'whose seal comes from another mail',
    async (mail) => {
      const genuine = await forwarded({ ...mail, text: 'Reject' });
      return `${await sealOf(genuine, SEAL)}${await forwarded({ ...mail, text: 'Approve' })}`;
    },
    'not valid',
  ],
  [
    'that somebody else sealed after the trusted one',
    async (mail) => sealed(await sealed(await forwarded(mail)), { i: 2, cv: 'pass', by: 'other.test' }),
    'not of a trusted sealer',
  ],
  [
    'whose older seal is broken, though the trusted one calls it whole',
    async (mail) => {
      const first = await sealed(await forwarded(mail), { by: 'other.test', isForged: true });
      return sealed(first, { i: 2, cv: 'pass' });
    },
    'not valid',
  ],
  [
    'that the trusted one calls broken',
    async (mail) => {
      const first = await sealed(await forwarded(mail), { by: 'other.test' });
      return sealed(first, { i: 2, cv: 'fail' });
    },
    'no whole chain',
  ],
  [
    'whose older seal is gone',
    async (mail) => {
      const plain = await forwarded(mail);
      const first = await sealOf(plain, { ...SEAL, by: 'other.test' });
      return `${await sealOf(`${first}${plain}`, { ...SEAL, i: 2, cv: 'pass' })}${plain}`;
    },
    'no whole chain',
  ],
  [
    'whose seal leaves To out',
    async (mail) => sealed(await forwarded(mail), { headers: 'from:subject' }),
    'does not cover its From and the address',
  ],
  [
    'whose own signature left To out',
    async (mail) => sealed(await forwarded({ ...mail, unsignedFields: 'to' })),
    'does not cover its From and the address',
  ],
  [
    'whose own signature covered a part of it',
    async (mail) => sealed((await forwarded(mail)).replace('DKIM-Signature: ', 'DKIM-Signature: l=7; ')),
    'covers a part of it',
  ],
])('proves nothing by a forwarded mail %s', async (_what, make, words) => {
  const { sender, why, events } = await deliver(make);
  expect(sender).toBe('unproven');
  expect(why).toContain(words);
  expect(events).toMatchObject([{ sender: 'unproven' }]);
});

it('makes of a sealed answer to one question no answer to another', async () => {
  const [one, other] = [newMail(), newMail()];
  const raw = await sealed(await forwarded({ to: one.address, messageId: other.id }));
  const changed = raw.replaceAll(one.token, other.token);
  await at.server.deliver(Buffer.from(changed, 'latin1'), other.address);
  expect(await at.handled(other.id)).toMatchObject({ sender: 'unproven' });
  await vi.waitFor(() => expect(at.events(other.token)).toMatchObject([{ sender: 'unproven' }]), PATIENT);
  expect(at.events(one.token)).toEqual([]);
});
