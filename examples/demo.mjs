// One real training run through the whole line, in a house of its own that is gone afterwards: held by a cost rule,
// approved by a lead who answers a mail, run, watched, told about by a signed webhook. Prints what happens and how long each
// part took.
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startHouse } from '@lineclear/launcher';
import { Webhook } from 'standardwebhooks';
import { mailProgram, openPostOffice, RELAY } from './post-office.mjs';

const DEADLINE_MS = 180_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const started = performance.now();
const say = (text) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);

/** Calls the API and gives the body back; anything but success ends the demo with what was answered. */
function caller(baseUrl, token) {
  return async (method, path, body, expected = [200, 201, 202]) => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = await response.json();
    if (!expected.includes(response.status))
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  };
}

const newPassword = () => randomBytes(18).toString('base64url');

/** Makes a user and an API key of theirs, as they would themselves. */
async function person(house, admin, username, level) {
  const password = newPassword();
  await admin('POST', '/api/users', {
    username,
    email: `${username}@lineclear.test`,
    password,
    level_names: [level],
  });
  const login = await fetch(new URL('/api/auth/login', house.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  });
  if (login.status !== 200)
    throw new Error(`${username} cannot log in: ${login.status} ${await login.text()}`);
  const { csrf_token } = await login.json();
  const key = await fetch(new URL('/api/auth/api-keys', house.url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-csrf-token': csrf_token,
      cookie: login.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';')[0])
        .join('; '),
    },
    body: JSON.stringify({ name: 'demo' }),
  });
  return caller(house.url, (await key.json()).key);
}

/** A receiver of webhooks that verifies each one as any Standard Webhooks library would. */
async function webhookReceiver(secret) {
  const verifier = new Webhook(secret);
  const received = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      try {
        received.push(verifier.verify(Buffer.concat(chunks).toString('utf8'), request.headers));
        response.writeHead(204).end();
      } catch (error) {
        console.error('a webhook that does not verify:', error);
        response.writeHead(400).end();
      }
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/hook`, received, close: () => server.close() };
}

/** Where the house sends mail, and where it reads the answers. */
const emailChannel = ({ smtpPort, imapPort }, { approvals }) => ({
  channel_type: 'email',
  name: 'mail',
  smtp_host: '127.0.0.1',
  smtp_port: smtpPort,
  smtp_use_tls: false,
  smtp_from_address: 'house@lineclear.test',
  reply_to: 'approvals@lineclear.test',
  imap_enabled: true,
  imap_host: '127.0.0.1',
  imap_port: imapPort,
  imap_use_ssl: false,
  imap_username: 'approvals',
  imap_password: approvals,
});

async function until(what, look) {
  while (performance.now() - started < DEADLINE_MS) {
    const found = await look();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error(`waited too long for ${what}`);
}

/** Lea answers twice: what is no plain yes approves nothing. */
async function decideByMail(mails) {
  const mail = await until('the mail to lea', () => mails.find('asks for approval'));
  say(`lea has a mail: ${mail.subject}`);
  await mails.answer(mail, 'I do not approve this');
  const doubt = await until('what became of her answer', () => mails.find('Your answer: unclear'));
  say(`lea answered "I do not approve this", and is asked again: ${doubt.subject}`);
  await mails.answer(mail, 'Approve, go ahead');
  const word = await until('what became of her answer', () => mails.find('Your answer: approved'));
  say(`lea answered "Approve, go ahead": ${word.subject}`);
}

function printTimeline(job, approval, hook) {
  const moments = [
    ['submitted', job.submitted_at],
    ['approval asked for', approval.created_at],
    ['approved', approval.reviewed_at],
    ['queued', job.queued_at],
    ['claimed', job.claimed_at],
    ['running', job.started_at],
    ['completed', job.ended_at],
    ['webhook received', hook.received_at],
  ].filter(([, at]) => at);
  console.log('\nThe way of the job:');
  let before = new Date(moments[0][1]).getTime();
  for (const [what, at] of moments) {
    const ms = new Date(at).getTime() - before;
    console.log(
      `  ${new Date(at).toISOString().slice(11, 23)}  ${what.padEnd(20)} ${`+${ms} ms`.padStart(10)}`,
    );
    before = new Date(at).getTime();
  }
}

const home = mkdtempSync(join(tmpdir(), 'lineclear-demo-'));
const secret = `whsec_${randomBytes(32).toString('base64')}`;
const receiver = await webhookReceiver(secret);
const passwords = { lea: newPassword(), approvals: newPassword() };
let house;
let postOffice;
try {
  say('opening a post office: SMTP, and a Dovecot with the mailboxes of lea and of the house');
  postOffice = await openPostOffice(join(home, 'mail'), passwords).catch((error) => {
    say(`THERE IS NO POST OFFICE HERE, so lea decides over HTTP, and no mail is shown: ${error.message}`);
  });
  say('starting the house: Postgres, Redis, NATS, six services and the gateway');
  house = await startHouse({
    home,
    env: {
      ...process.env,
      LINECLEAR_WEBHOOK_ALLOW_CIDRS: '127.0.0.0/8',
      REPLY_SENDER_CHECK: 'trusted_relay',
      REPLY_TRUSTED_AUTHSERV_ID: RELAY,
    },
  });
  const admin = caller(house.url, house.adminKey);
  say(`the house is open at ${house.url}`);

  await admin('PUT', '/api/cloud/providers/local/config', {
    hardware: { local: { cost_per_hour_usd: 20_000 } },
  });
  await admin('POST', '/api/approvals/rules', {
    name: 'high_cost',
    condition: 'cost_exceeds',
    threshold: '50',
    required_approver_level: 'lead',
    exempt_levels: ['admin'],
  });
  const channel = await admin('POST', '/api/cloud/notifications/channels', {
    channel_type: 'webhook',
    name: 'demo',
    webhook_url: receiver.url,
    webhook_secret: secret,
  });
  await admin('POST', '/api/cloud/notifications/preferences', { event_type: '*', channel_id: channel.id });
  if (postOffice)
    await admin('POST', '/api/cloud/notifications/channels', emailChannel(postOffice, passwords));
  const ada = await person(house, admin, 'ada', 'researcher');
  const lea = await person(house, admin, 'lea', 'lead');
  say('ada is a researcher, lea a lead; jobs over $50 need a lead; a webhook hears of everything');

  const submitted = await ada('POST', '/api/cloud/local/submit', {
    config_name: 'digits',
    config: {
      command: [
        process.execPath,
        join(here, 'digits/train.mjs'),
        '--epochs',
        '10',
        '--epoch-pause-ms',
        '200',
      ],
    },
    hardware: 'local',
    estimated_duration_seconds: 10,
    max_runtime_seconds: 120,
  });
  say(
    `ada submitted ${submitted.job_id}: ${submitted.status}, estimated at $${submitted.estimated_cost_usd.toFixed(2)}`,
  );
  if (submitted.status !== 'pending_approval') throw new Error('the rule did not hold the job');

  const request = await until('the approval request', async () => {
    const { requests } = await lea('GET', '/api/approvals/requests?pending_only=true');
    return requests.find(({ job_id }) => job_id === submitted.job_id);
  });
  await ada('POST', `/api/approvals/requests/${request.id}/approve`, {}, [403]);
  say('ada may not approve her own job');
  if (postOffice) await decideByMail(mailProgram(postOffice, 'lea', passwords.lea));
  else await lea('POST', `/api/approvals/requests/${request.id}/approve`, { notes: 'go ahead' });
  say('the job is approved');

  let seen = '';
  const job = await until('the end of the job', async () => {
    const now = await ada('GET', `/api/cloud/jobs/${submitted.job_id}`);
    const line = `${now.status}${now.progress?.progress === undefined ? '' : ` ${Math.round(now.progress.progress * 100)} %`}`;
    if (line !== seen) say(`job ${line}`);
    seen = line;
    return ['completed', 'failed', 'cancelled'].includes(now.status) && now;
  });
  const { logs } = await ada('GET', `/api/cloud/jobs/${submitted.job_id}/logs`);
  if (job.status !== 'completed')
    throw new Error(`the job ended as ${job.status}: ${job.message ?? ''}\n${logs}`);
  say(logs.trim().split('\n').at(-1));
  const outputs = readdirSync(join(home, 'runs'), { recursive: true }).filter((file) =>
    file.endsWith('model.json'),
  );
  if (outputs.length === 0 || !existsSync(join(home, 'runs', outputs[0])))
    throw new Error('the run left no model');

  const completed = await until('the webhook', () =>
    receiver.received.find(({ type, data }) => type === 'job.completed' && data.job_id === job.job_id),
  );
  completed.received_at = new Date().toISOString();
  say(`webhooks received and verified: ${receiver.received.map(({ type }) => type).join(', ')}`);
  const decided = await lea('GET', `/api/approvals/requests/${request.id}`);
  printTimeline(job, decided, completed);
  console.log(
    `\nA model was trained for $${job.cost_usd.toFixed(2)}, with ${decided.reviewed_by}'s word for it.`,
  );
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  receiver.close();
  await house?.stop();
  await postOffice?.close();
  rmSync(home, { recursive: true, force: true });
}
