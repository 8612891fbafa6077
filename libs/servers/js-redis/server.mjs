// Runs js-redis-server on one port of the loopback: node server.mjs <port>, password in JS_REDIS_PASSWORD.
import net from 'node:net';
import { createRedisServer } from 'js-redis-server';

// It offers no choice of address and would listen on every network of the machine.
const listen = Reflect.get(net.Server.prototype, 'listen');
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'number'
    ? listen.call(this, port, '127.0.0.1', ...rest)
    : listen.call(this, port, ...rest);
};

const { state, close } = await createRedisServer({ port: Number(process.argv[2]) });
// Its options hold no password for a single server, but each new connection looks here.
if (process.env.JS_REDIS_PASSWORD) state.requirepass = process.env.JS_REDIS_PASSWORD;
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => close().then(() => process.exit(0)));
