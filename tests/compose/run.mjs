// `npm run test:compose`: builds the images, brings docker-compose.yml up, takes a job through it, and tries the locks.
// Needs a Docker engine with compose 2 (DOCKER_HOST). About 5 minutes the first time. Leaves only images behind.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { caller, composeProject, person, until } from './house.mjs';
import {
  SERVICES,
  isLockedDown,
  isShutIn,
  killService,
  opensOnlyItsDatabase,
  strangersAreRefused,
} from './locks.mjs';

const started = performance.now();
const results = { passed: 0, failed: 0 };

/** A step that others stand on: when `vital` fails, the run ends. */
async function check(name, work, vital = false) {
  const began = performance.now();
  const line = (mark) =>
    console.log(`${mark}  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  try {
    const value = await work();
    results.passed += 1;
    line('ok  ');
    return value;
  } catch (error) {
    results.failed += 1;
    line('FAIL');
    console.error(error);
    if (vital) throw error;
  }
}
const vital = (name, work) => check(name, work, true);

const secretsDir = mkdtempSync(join(tmpdir(), 'lineclear-compose-'));
const house = await composeProject(secretsDir);
const { url, compose } = house;
const down = () => compose(['down', '--volumes', '--remove-orphans', '--timeout', '5'], 120_000);
const up = () => compose(['up', '--detach', '--wait', '--wait-timeout', '240', '--no-build'], 300_000);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void down().finally(() => process.exit(130)));

const digits = { config_name: 'digits', hardware: 'local', max_runtime_seconds: 120 };
const TRAIN = ['node', '/examples/digits/train.mjs', '--epochs', '5'];
const statusOf = async (who, id) => (await who('GET', `/api/cloud/jobs/${id}`)).status;

async function ends(who, id) {
  const final = await until(`the end of ${id}`, 90_000, async () => {
    const job = await who('GET', `/api/cloud/jobs/${id}`);
    return ['completed', 'failed', 'cancelled'].includes(job.status) && job;
  });
  const { logs } = await who('GET', `/api/cloud/jobs/${id}/logs`);
  assert.equal(final.status, 'completed', `${JSON.stringify(final)}\n${logs}`);
  return logs;
}

async function webhooks(secret, jobId) {
  const verifier = new Webhook(secret);
  return (await house.logs('receiver'))
    .map((line) => JSON.parse(line))
    .map(({ headers, body }) => verifier.verify(body, headers))
    .filter(({ data }) => data.job_id === jobId)
    .map(({ type }) => type);
}

async function everybodyHealthy() {
  const all = await house.containers();
  return SERVICES.every(
    (name) => all.find(({ service }) => service === name)?.State.Health?.Status === 'healthy',
  );
}

try {
  await down();
  await vital('passwords and keys are made, and made once', async () => {
    assert.match(await house.script('make-secrets.sh'), /credential_key/);
    assert.equal(await house.script('make-secrets.sh'), '');
  });
  await vital('the images are built', () => compose(['build', '--quiet'], 1_200_000));
  await vital('everything comes up healthy', up);

  const anyone = caller(url);
  await check('nobody makes himself the first admin from outside', () =>
    anyone(
      'POST',
      '/api/auth/setup/first-admin',
      { username: 'eve', email: 'eve@lineclear.test', password: randomBytes(18).toString('hex') },
      [403],
    ),
  );
  const key = await vital('the first admin is made inside, once', async () => {
    const printed = await house.script('first-admin.sh');
    await assert.rejects(house.script('first-admin.sh'), /users already/);
    return printed.trim();
  });
  const admin = caller(url, key);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const { ada, lea } = await vital('people, a rule, a secret and a webhook are set up', async () => {
    const rule = {
      name: 'high_cost',
      condition: 'cost_exceeds',
      threshold: '50',
      required_approver_level: 'lead',
      exempt_levels: ['admin'],
    };
    await admin('POST', '/api/approvals/rules', rule);
    await admin('POST', '/api/secrets', { name: 'WANDB_API_KEY', value: 'seventeen letters' });
    const hook = {
      channel_type: 'webhook',
      name: 'test',
      webhook_url: 'http://receiver:9000/hook',
      webhook_secret: secret,
    };
    const channel = await admin('POST', '/api/cloud/notifications/channels', hook);
    await admin('POST', '/api/cloud/notifications/preferences', { event_type: '*', channel_id: channel.id });
    return {
      ada: await person(url, admin, 'ada', 'researcher'),
      lea: await person(url, admin, 'lea', 'lead'),
    };
  });

  const held = await vital('a job over the limit is held', async () => {
    const body = { ...digits, config: { command: TRAIN }, estimated_duration_seconds: 10 };
    const job = await ada('POST', '/api/cloud/local/submit', body);
    assert.equal(job.status, 'pending_approval', JSON.stringify(job));
    return job.job_id;
  });
  await vital('another person lets it through, its own does not', async () => {
    const request = await until('the request', 20_000, async () => {
      const { requests } = await lea('GET', '/api/approvals/requests?pending_only=true');
      return requests.find(({ job_id }) => job_id === held);
    });
    await ada('POST', `/api/approvals/requests/${request.id}/approve`, {}, [403]);
    assert.equal(await statusOf(ada, held), 'pending_approval');
    await lea('POST', `/api/approvals/requests/${request.id}/approve`, { notes: 'go' });
  });
  await check('the run trains a model and is completed', async () => {
    assert.match(await ends(ada, held), /test_accuracy=0\.9/);
    const found = await house.inside(
      'job-poller',
      `console.log(require('fs').readdirSync(process.env.LINECLEAR_RUNS_DIR, { recursive: true }).join('\\n'))`,
    );
    assert.match(found, /model\.json/);
  });
  await check('signed webhooks tell the whole story', () =>
    until('the webhooks', 30_000, async () => {
      const types = await webhooks(secret, held);
      return ['job.submitted', 'approval.required', 'approval.granted', 'job.started', 'job.completed'].every(
        (type) => types.includes(type),
      );
    }),
  );
  const withSecret = async () => {
    const code = 'console.log("length", process.env.WANDB_API_KEY.length)';
    const body = {
      ...digits,
      config: { command: ['node', '-e', code] },
      estimated_duration_seconds: 1,
      secrets: ['WANDB_API_KEY'],
    };
    const { job_id } = await ada('POST', '/api/cloud/local/submit', body);
    assert.match(await ends(ada, job_id), /length 17/);
  };
  await check('a cheap job passes at once and gets its secret', withSecret);

  await check('containers are locked down', () => isLockedDown(house));
  await check('only those who must can call out, and the gateway reaches no store', () => isShutIn(house));
  await check('a service opens its own database and no other', () => opensOnlyItsDatabase(house));
  await check('NATS and Redis refuse strangers', () => strangersAreRefused(house));
  await check('every line that services print is JSON', async () => {
    const lines = await house.logs(...SERVICES);
    assert.ok(lines.length >= SERVICES.length);
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
  });

  await check('what is killed comes back', async () => {
    // One after another: engines have been seen to lose count of a network's users when all end at once.
    for (const name of SERVICES) {
      await killService(house, name);
      await until(`the restart of ${name}`, 60_000, async () => {
        const all = await house.containers();
        const { RestartCount, State } = all.find(({ service }) => service === name);
        return RestartCount >= 1 && State.Running;
      });
    }
    await until('health', 120_000, everybodyHealthy);
    await withSecret();
  });
  await check('what was taken down finds everything as it was', async () => {
    await compose(['down', '--timeout', '20'], 120_000);
    await up();
    assert.equal(await statusOf(ada, held), 'completed');
    await withSecret();
  });
} catch {
  // Said already, where it happened.
} finally {
  if (results.failed > 0) console.error(await compose(['logs', '--tail', '40']).catch(String));
  await check('everything is taken away', down);
  rmSync(secretsDir, { recursive: true, force: true });
}
console.log(
  `\n${results.passed} passed, ${results.failed} failed in ${Math.round((performance.now() - started) / 1000)} s`,
);
process.exitCode = results.failed > 0 ? 1 : 0;
