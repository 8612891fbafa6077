// Puts each service, and the command line, with the packages it needs into one file, apps/<program>/bundle/main.js: Node then
// reads one file where it would find and read up to 1,500, which halves the processor time that a start takes. Called after
// a build.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAMS = [
  'auth',
  'secrets',
  'approvals',
  'queue-scheduler',
  'notifier',
  'job-poller',
  'gateway',
  'cli',
];

// What looks for files of its own beside itself, or for packages by names made up as it runs, stays a package.
const PACKAGES = ['@node-rs/argon2', 'jsonc-parser', 'pg', 'pino', 'pino-pretty', 'typeorm'];
// Loaded only by who uses AWS or Kubernetes, or reads a mailbox: within the file all others would read them too.
const SELDOM = [
  '@aws-sdk/client-kms',
  '@aws-sdk/client-secrets-manager',
  '@kubernetes/client-node',
  'imapflow',
  'mailauth',
];
// Nest asks for these when they are there; they are not.
const ABSENT =
  /^(@nestjs\/(websockets|platform-socket.io)|@grpc\/|@fastify\/(static|view)|class-|kafkajs|mqtt|amqp)/;

/** Bundles what has changed since the last time. */
export async function bundle(root) {
  const mark = join(root, 'node_modules', '.lineclear-bundles');
  const digest = digestOf(root);
  const fileOf = (program) => join(root, 'apps', program, 'bundle', 'main.js');
  const isThere = PROGRAMS.every((program) => existsSync(fileOf(program)));
  if (isThere && existsSync(mark) && readFileSync(mark, 'utf8') === digest) return;
  // Read only when it is needed: it is the largest part of a start that has nothing to do.
  const { rolldown } = await import('rolldown');
  for (const program of PROGRAMS) {
    const made = await rolldown({
      input: join(root, 'apps', program, 'dist', 'main.js'),
      platform: 'node',
      external: [...PACKAGES, ...SELDOM, ABSENT],
      logLevel: 'silent',
    });
    await made.write({ file: fileOf(program), format: 'esm', codeSplitting: false });
    await made.close();
  }
  writeFileSync(mark, digest);
}

/** Of all that goes into a bundle: what was built, the lock, and this file. */
function digestOf(root) {
  const hash = createHash('sha256');
  for (const folder of ['apps', 'libs']) {
    for (const project of readdirSync(join(root, folder))) {
      const dist = join(root, folder, project, 'dist');
      if (!existsSync(dist)) continue;
      for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }).sort())
        if (file.endsWith('.js')) hash.update(`${project}/${file}`).update(readFileSync(join(dist, file)));
    }
  }
  return hash
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(readFileSync(new URL(import.meta.url)))
    .digest('hex');
}
