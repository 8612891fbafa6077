// Pictures of each kind of mail, in light and dark, on a phone and on a desk: for a person to look at.
//   node scripts/prepare.mjs && node scripts/mail-pictures.mjs <folder>
// Takes a Chromium of this machine: the one that CHROMIUM names, or `chromium`.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from 'undici';

const WIDTHS = [375, 700];
const SCHEMES = ['light', 'dark'];
const HOUSE = 'http://localhost:8080';

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node scripts/mail-pictures.mjs <folder>');
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), 'mail-pictures-'));
try {
  const chromium = await openChromium(process.env.CHROMIUM ?? 'chromium');
  try {
    for (const [name, { html }] of Object.entries(await mails()))
      for (const scheme of SCHEMES)
        for (const width of WIDTHS) {
          const file = join(folder, `${name}-${scheme}-${width}.png`);
          writeFileSync(file, await chromium.picture(html, scheme, width));
          console.log(file);
        }
  } finally {
    await chromium.close();
  }
} finally {
  rmSync(profile, { recursive: true, force: true });
}

async function mails() {
  const domain = (name) => import(new URL(`../apps/notifier/dist/domain/${name}.js`, import.meta.url).href);
  const { EVENT_DETAILS } = await domain('event-details');
  const { mailOf } = await domain('mail');
  const { ownMail } = await domain('own-mail');
  const { approvalMail, replyAnswerMail } = await domain('approval-mail');
  const { digestMail } = await domain('digest-mail');
  const { ownSecretTakenMail, passwordChangedMail, passwordResetMail } = await domain('personal-mail');
  const timestamp = '2026-11-22T14:30:00.000Z';
  const message = (type) => ({ type, timestamp, data: EVENT_DETAILS[type].example });
  const asked = message('approval.required').data;
  const link = `${HOUSE}/api/approvals/links#${'b3'.repeat(16)}`;
  const several = ['job.completed', 'job.failed', 'approval.granted', 'quota.warning', 'auth.new_device'];
  return {
    approval: approvalMail(asked, HOUSE, { replyTo: 'approvals@lineclear.example', link }),
    'approval-by-link': approvalMail({ ...asked, number: 1 }, HOUSE, { link }),
    'approval-answered': replyAnswerMail({
      approval_id: asked.approval_id,
      outcome: 'approved',
      message: 'Your answer counts: the request is approved, and the job is in the queue.',
    }),
    'own-completed': ownMail(message('job.completed'), HOUSE),
    error: mailOf(message('job.failed'), HOUSE),
    warning: mailOf(message('quota.warning'), HOUSE),
    critical: mailOf(message('secret.glass_broken'), HOUSE),
    'long-words': mailOf(
      { type: 'job.failed', timestamp, data: { job_id: 'job_1', config_name: 'x'.repeat(120) } },
      HOUSE,
    ),
    digest: digestMail(several.map(message), 42, 'digest', HOUSE),
    'password-reset': passwordResetMail(
      { username: 'ada', expires_at: timestamp },
      `${HOUSE}/api/auth/password-reset#${'c4'.repeat(16)}`,
    ),
    'password-changed': passwordChangedMail({ username: 'ada' }, timestamp),
    'secret-taken': ownSecretTakenMail({
      name: 'HF_TOKEN',
      by: 'root',
      reason: 'the run of the customer must end today',
      must_rotate_by: timestamp,
    }),
  };
}

/** A Chromium without a window, spoken to over its remote debugging. */
async function openChromium(program) {
  const flags = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, '--disable-gpu'];
  // Chromium refuses to sandbox what root starts.
  if (process.getuid?.() === 0) flags.push('--no-sandbox');
  const child = spawn(program, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  const address = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${program} cannot be run`, { cause: error })));
    child.once('close', () => reject(new Error(`${program} ended before it could be spoken to`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      const said = /DevTools listening on (ws:\S+)/.exec(line);
      if (said) resolve(said[1]);
    });
  });
  const socket = new WebSocket(address);
  const waiting = new Map();
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(data);
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(new Error(error.message));
    else asked?.resolve(result);
  });
  let last = 0;
  const send = (method, params = {}, sessionId) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params, sessionId }));
    });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
  const { frameTree } = await send('Page.getFrameTree', {}, sessionId);

  return {
    async picture(html, scheme, width) {
      const say = (method, params) => send(method, params, sessionId);
      await say('Emulation.setDeviceMetricsOverride', {
        width,
        height: 200,
        deviceScaleFactor: 2,
        mobile: true,
      });
      await say('Emulation.setEmulatedMedia', {
        features: [{ name: 'prefers-color-scheme', value: scheme }],
      });
      await say('Page.setDocumentContent', { frameId: frameTree.frame.id, html });
      const { cssContentSize } = await say('Page.getLayoutMetrics');
      if (cssContentSize.width > width) console.error(`wider than ${width} px: ${cssContentSize.width}`);
      const clip = { x: 0, y: 0, width, height: cssContentSize.height, scale: 1 };
      const { data } = await say('Page.captureScreenshot', { clip, captureBeyondViewport: true });
      return Buffer.from(data, 'base64');
    },
    async close() {
      await send('Browser.close');
      await ended;
    },
  };
}
