import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// A body of Slack's has every shape; each test reads what it asserts on.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any;
export interface SlackCall {
  readonly method: string;
  readonly token: string | undefined;
  readonly body: Json;
}
interface Trouble {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly error: string;
}

/** Slack's Web API as far as it is used here, on the wire: notes what it is asked and keeps messages as Slack would. */
export interface FakeSlack {
  /** What SLACK_API_URL is. */
  readonly url: string;
  readonly calls: readonly SlackCall[];
  /** By their ts. */
  readonly messages: ReadonlyMap<string, Json>;
  of(method: string): Json[];
  /** The next call of this method is answered so. */
  trouble(method: string, trouble: Trouble): void;
  /** Calls of this method wait until they are let go. */
  hold(method: string): { waiting(): number; letGo(): void };
  close(): Promise<void>;
}

export async function startFakeSlack(token: string): Promise<FakeSlack> {
  const calls: SlackCall[] = [];
  const messages = new Map<string, Json>();
  const troubles = new Map<string, Trouble[]>();
  const held = new Map<string, (() => void)[]>();
  let sent = 0;

  function answerOf(method: string, body: Json): object {
    switch (method) {
      case 'chat.postMessage': {
        if (body.thread_ts !== undefined && !messages.has(body.thread_ts))
          return { ok: false, error: 'thread_not_found' };
        const ts = `1764331200.${String((sent += 1)).padStart(6, '0')}`;
        messages.set(ts, { ...body, ts });
        return { ok: true, channel: body.channel, ts, message: { ...body, ts } };
      }
      case 'chat.update': {
        const { ts, channel } = body;
        if (!messages.has(ts)) return { ok: false, error: 'message_not_found' };
        messages.set(ts, { ...messages.get(ts), ...body });
        return { ok: true, channel, ts, text: body.text };
      }
      case 'chat.postEphemeral':
        return { ok: true, message_ts: '1764331200.999999' };
      case 'views.open':
        return body.trigger_id
          ? { ok: true, view: { id: 'V1', ...body.view } }
          : { ok: false, error: 'invalid_trigger_id' };
      default:
        return { ok: false, error: 'unknown_method' };
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const method = (request.url ?? '').replace(/^\/api\//, '');
    const given = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    calls.push({ method, token: given, body });
    const waiting = held.get(method);
    if (waiting) await new Promise<void>((resolve) => waiting.push(resolve));
    const trouble = troubles.get(method)?.shift();
    const answer = trouble
      ? { ok: false, error: trouble.error }
      : given === token
        ? answerOf(method, body)
        : { ok: false, error: 'invalid_auth' };
    response.writeHead(trouble?.status ?? 200, { 'content-type': 'application/json', ...trouble?.headers });
    response.end(JSON.stringify(answer));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`,
    calls,
    messages,
    of: (method) => calls.filter((call) => call.method === method).map(({ body }) => body),
    trouble: (method, trouble) => void troubles.set(method, [...(troubles.get(method) ?? []), trouble]),
    hold(method) {
      const waiting: (() => void)[] = [];
      held.set(method, waiting);
      return {
        waiting: () => waiting.length,
        letGo: () => {
          held.delete(method);
          waiting.splice(0).forEach((go) => go());
        },
      };
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
