// What a container of the house must not be able to do, asked from inside it.
import assert from 'node:assert/strict';

export const STORED = ['auth', 'secrets', 'approvals', 'queue-scheduler', 'notifier', 'job-poller'];
export const SERVICES = [...STORED, 'gateway'];
const CALL_OUT = ['auth', 'notifier', 'job-poller'];

/** The webhook receiver, by address: it is on the network of those who may call out, and on no other. */
async function outsider(containers) {
  const receiver = (await containers()).find(({ service }) => service === 'receiver');
  const [{ IPAddress }] = Object.values(receiver.NetworkSettings.Networks);
  return IPAddress;
}

const canConnect = (host, port) => `
  const socket = require('net').connect({ host: '${host}', port: ${port} });
  const end = (answer) => { console.log(answer); process.exit(0); };
  setTimeout(end, 4000, 'no');
  socket.on('connect', () => end('yes')).on('error', () => end('no'));`;

export async function isLockedDown({ containers, inside }) {
  const all = await containers();
  for (const { service, HostConfig, Config } of all.filter(({ service }) => service !== 'receiver')) {
    assert.equal(HostConfig.ReadonlyRootfs, true, `${service}: a read-only root`);
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], `${service}: no capabilities`);
    assert.ok(HostConfig.SecurityOpt.includes('no-new-privileges:true'), `${service}: no new privileges`);
    assert.ok(HostConfig.Memory > 0 && HostConfig.PidsLimit > 0, `${service}: limits`);
    assert.equal(HostConfig.RestartPolicy.Name, 'unless-stopped', service);
    const open = Object.values(HostConfig.PortBindings ?? {}).flat();
    assert.ok(
      open.every(({ HostIp }) => HostIp === '127.0.0.1'),
      `${service}: published on this machine alone`,
    );
    assert.equal(open.length, service === 'gateway' ? 1 : 0, `${service}: published ports`);
    assert.ok(
      !/postgres(ql)?:\/\/|nats:\/\/|redis:\/\//.test(Config.Env.join('\n')),
      `${service}: a password in its environment`,
    );
  }
  const code = `
    const fs = require('fs');
    const write = (path) => { try { fs.writeFileSync(path, ''); return 'written'; } catch (error) { return error.code; } };
    console.log(JSON.stringify({ uid: process.getuid(), root: write('/app/x'), tmp: write('/tmp/x'),
      caps: /CapBnd:\\s*(\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1] }));`;
  for (const service of SERVICES)
    assert.deepEqual(
      JSON.parse(await inside(service, code)),
      { uid: 1000, root: 'EROFS', tmp: 'written', caps: '0000000000000000' },
      service,
    );
}

export async function isShutIn({ containers, inside }) {
  const address = await outsider(containers);
  const stores = { postgres: 5432, redis: 6379, nats: 4222 };
  const expectations = [
    ...SERVICES.map((service) => [service, address, 9000, CALL_OUT.includes(service) ? 'yes' : 'no']),
    ...Object.entries(stores).map(([store, port]) => ['gateway', store, port, 'no']),
    ...Object.entries(stores).map(([store, port]) => ['auth', store, port, 'yes']),
  ];
  await Promise.all(
    expectations.map(async ([service, host, port, expected]) =>
      assert.equal((await inside(service, canConnect(host, port))).trim(), expected, `${service} to ${host}`),
    ),
  );
}

/** Each service, with its own password, at the doors of all databases. */
export async function opensOnlyItsDatabase({ inside }) {
  const names = STORED.map((service) => `lineclear_${service.replaceAll('-', '_')}`);
  const code = `
    const url = new URL(require('fs').readFileSync(process.env.DATABASE_URL_FILE, 'utf8'));
    const open = async (name) => {
      url.pathname = name;
      const client = new (require('pg').Client)({ connectionString: url.href, connectionTimeoutMillis: 5000 });
      try { await client.connect(); await client.end(); return 'opened'; } catch (error) { return error.code ?? error.message; }
    };
    (async () => {
      const found = {};
      for (const name of ${JSON.stringify([...names, 'postgres', 'template1'])}) found[name] = await open(name);
      console.log(JSON.stringify(found));
    })();`;
  for (const [index, service] of STORED.entries()) {
    const found = JSON.parse(await inside(service, code));
    for (const [name, outcome] of Object.entries(found))
      assert.equal(outcome, name === names[index] ? 'opened' : '42501', `${service} to ${name}`);
  }
}

/** What NATS and Redis say to somebody who has no password. */
export async function strangersAreRefused({ inside }) {
  const say = (host, port, text) => `
    const socket = require('net').connect({ host: '${host}', port: ${port}, timeout: 4000 }, () => socket.write(${JSON.stringify(text)}));
    let all = '';
    socket.on('data', (data) => { all += data; if (/-ERR|NOAUTH|PONG/.test(all)) { console.log(all); process.exit(0); } });
    socket.on('timeout', () => process.exit(1));`;
  const nats = await inside('auth', say('nats', 4222, 'CONNECT {"verbose":false}\r\nPING\r\n'));
  assert.match(nats, /Authorization Violation/);
  assert.match(await inside('auth', say('redis', 6379, 'PING\r\n')), /NOAUTH/);
}

/** SIGKILLs a service's process: the one whose parent is the container's first. */
export async function killService({ inside }, service) {
  const code = `
    const fs = require('fs');
    for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && name !== '1' && Number(name) !== process.pid)) {
      const parent = /\\nPPid:\\t(\\d+)/.exec(fs.readFileSync('/proc/' + pid + '/status', 'utf8'))?.[1];
      const line = fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8');
      if (parent === '1' && line.endsWith('dist/main.js\\0')) process.kill(Number(pid), 'SIGKILL');
    }`;
  // The container may end before what ran inside it could answer.
  await inside(service, code).catch(() => undefined);
}
