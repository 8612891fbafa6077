// Writes what follows from libs/contracts: the AsyncAPI document, and what each service's NATS user may say and hear.
// `--check` only compares, and fails when a committed file is not what the contracts say now. Needs a build.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { EVENTS, SAID_BY_ALL, SERVICES, WIRING } from '@lineclear/contracts';

const root = new URL('..', import.meta.url);
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;
const schemaOf = (schema, io) => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
};

function asyncApi() {
  const channels = {};
  const operations = {};
  const messages = {};
  const schemas = {};
  const channel = (id, address, message) =>
    (channels[id] = { address, messages: { [message]: { $ref: `#/components/messages/${message}` } } });
  for (const [name, def] of EVENTS) {
    schemas[name] = schemaOf(def.schema, 'output');
    const event = { $ref: `#/components/schemas/${name}` };
    messages[name] = {
      name,
      contentType: 'application/cloudevents+json',
      // Events that were committed together may come as one message.
      payload: { oneOf: [event, { type: 'array', minItems: 2, maxItems: 100, items: event }] },
    };
    channel(name, def.subject, name);
  }
  const refs = (id, message) => ({
    channel: { $ref: `#/channels/${id}` },
    messages: [{ $ref: `#/channels/${id}/messages/${message}` }],
  });
  for (const service of SERVICES) {
    const wiring = WIRING[service];
    for (const def of wiring.publishes)
      operations[`${service}.publishes.${def.name}`] = { action: 'send', ...refs(def.name, def.name) };
    for (const def of wiring.consumes)
      operations[`${service}.consumes.${def.name}`] = { action: 'receive', ...refs(def.name, def.name) };
    for (const def of wiring.answers) {
      const [ask, answer] = [`${def.name}.request`, `${def.name}.reply`];
      messages[ask] = { name: ask, payload: schemaOf(def.request, 'output') };
      messages[answer] = { name: answer, payload: schemaOf(def.reply, 'output') };
      channel(ask, def.subject, ask);
      channels[answer] = {
        address: null,
        messages: { [answer]: { $ref: `#/components/messages/${answer}` } },
      };
      operations[`${service}.answers.${def.name}`] = {
        action: 'receive',
        ...refs(ask, ask),
        reply: refs(answer, answer),
      };
    }
  }
  return {
    asyncapi: '3.0.0',
    info: { title: 'Lineclear events and requests', version: '0.1.0' },
    channels,
    operations,
    components: { messages, schemas },
  };
}

const streams = ['LINECLEAR', 'LINECLEAR_DEAD'];
function permissions(service) {
  const { publishes, consumes, watches, answers, asks } = WIRING[service];
  // The live view reads the stream through consumers of its own, with names that the client, or at first the server, makes up.
  const readsLive = service === 'queue-scheduler';
  const consumer = readsLive ? '>' : service;
  const below = readsLive ? '>' : `${service}.>`;
  return {
    publish: {
      allow: [
        ...publishes.map((def) => def.subject),
        ...SAID_BY_ALL.map((def) => def.subject),
        ...asks.map((def) => def.subject),
        `poke.${service}`,
        `poke.${service}.>`,
        `replay.${service}`,
        `dead.${service}.>`,
        '$JS.API.INFO',
        ...streams.flatMap((stream) =>
          ['INFO', 'CREATE', 'UPDATE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
        ),
        ...['MSG.GET', 'MSG.DELETE'].map((verb) => `$JS.API.STREAM.${verb}.LINECLEAR_DEAD`),
        '$JS.API.DIRECT.GET.LINECLEAR_DEAD',
        ...(consumes.length > 0
          ? [
              ...['INFO', 'MSG.NEXT', 'CREATE', 'DURABLE.CREATE', 'DELETE'].map(
                (verb) => `$JS.API.CONSUMER.${verb}.LINECLEAR.${consumer}`,
              ),
              `$JS.API.CONSUMER.CREATE.LINECLEAR.${below}`,
              ...(readsLive ? ['$JS.API.CONSUMER.CREATE.LINECLEAR'] : []),
              `$JS.ACK.LINECLEAR.${below}`,
              '$JS.FC.>',
            ].filter((subject, index, all) => all.indexOf(subject) === index)
          : []),
      ],
    },
    subscribe: {
      allow: [
        `_INBOX.${service}.>`,
        `poke.${service}`,
        `poke.${service}.>`,
        ...watches.map((def) => def.subject),
        ...answers.map((def) => def.subject),
      ],
    },
    ...(answers.length > 0 ? { allow_responses: { max: 2, expires: '30s' } } : {}),
  };
}

const allPermissions = Object.fromEntries(SERVICES.map((service) => [service, permissions(service)]));

/** For NATS in a container: the passwords are variables, defined by a file that is included. */
function natsConf() {
  const list = (subjects) => `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`;
  const users = SERVICES.map((service) => {
    const { publish, subscribe, allow_responses } = allPermissions[service];
    return `    {
      user: ${JSON.stringify(service)}
      password: $${service.toUpperCase().replaceAll('-', '_')}_PASSWORD
      permissions: {
        publish: ${list(publish.allow)}
        subscribe: ${list(subscribe.allow)}
        ${allow_responses ? 'allow_responses: { max: 2, expires: "30s" }' : ''}
      }
    }`;
  });
  return `# Made by \`npm run contracts\` from libs/contracts: change it there.
include "/run/secrets/nats_passwords"

port: 4222
http: 8222
jetstream: { store_dir: "/data", max_file_store: 8GB, sync_interval: 5s }
authorization: {
  users: [
${users.join('\n')}
  ]
}
`;
}

const files = {
  'libs/contracts/generated/asyncapi.json': json(asyncApi()),
  'deploy/nats/permissions.json': json(allPermissions),
  'deploy/nats/nats.conf': natsConf(),
};
let stale = 0;
for (const [path, text] of Object.entries(files)) {
  const at = new URL(path, root);
  if (process.argv.includes('--check')) {
    let found = '';
    try {
      found = readFileSync(at, 'utf8');
    } catch {}
    if (found === text) continue;
    stale += 1;
    console.error(`${path} is not what libs/contracts says: run \`npm run contracts\` and commit it`);
  } else {
    mkdirSync(dirname(at.pathname), { recursive: true });
    writeFileSync(at, text);
  }
}
process.exit(stale > 0 ? 1 : 0);
