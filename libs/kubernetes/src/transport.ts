import { request as plainRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { RequestContext, ResponseContext } from '@kubernetes/client-node';
import type { ClientNode } from './kubeconfig.js';
import { failureOf, KubernetesFailure } from './failure.js';

/** A list of many large secrets; more is not read. */
const MAX_ANSWER_BYTES = 67_108_864;

interface Answer {
  readonly message: IncomingMessage;
  readonly text: string;
}

/**
 * How the client's calls are sent. In the place of its own way, which has no time limit, follows redirects with what it carries,
 * and quotes answers in its errors. @throws KubernetesFailure for every answer but success
 */
export async function send(
  client: ClientNode,
  request: RequestContext,
  timeoutSeconds: number,
): Promise<ResponseContext> {
  const url = new URL(request.getUrl());
  const what = `${request.getHttpMethod()} ${url.pathname}`;
  const { message, text } = await exchange(request, url, timeoutSeconds);
  const status = message.statusCode ?? 0;
  if (status < 200 || status > 299) throw failureOf(what, status, message.headers, text);
  if (!isJson(text)) throw new KubernetesFailure('unavailable', `${what}: the answer is no JSON`);
  const body = { text: () => Promise.resolve(text), binary: () => Promise.resolve(Buffer.from(text)) };
  return new client.ResponseContext(status, { 'content-type': 'application/json' }, body);
}

async function exchange(request: RequestContext, url: URL, timeoutSeconds: number): Promise<Answer> {
  const signal = AbortSignal.timeout(timeoutSeconds * 1_000);
  try {
    const message = await open(request, url, signal);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of message) {
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new KubernetesFailure('unavailable', `${url.origin} answers with more than 64 MiB`);
      chunks.push(chunk as Buffer);
    }
    return { message, text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    if (error instanceof KubernetesFailure) throw error;
    if (signal.aborted)
      throw new KubernetesFailure('unavailable', `${url.origin} did not answer within ${timeoutSeconds} s`);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new KubernetesFailure('unavailable', `${url.origin} cannot be reached (${code})`);
  }
}

function open(request: RequestContext, url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const body = request.getBody() as string | undefined;
  const agent = request.getAgent();
  const headers: OutgoingHttpHeaders = {
    ...request.getHeaders(),
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
  };
  const options = {
    method: request.getHttpMethod(),
    headers,
    signal,
    ...(agent === undefined ? {} : { agent }),
  };
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'https:' ? tlsRequest : plainRequest;
    begin(url, options, resolve).once('error', reject).end(body);
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // The parser's message, which the client would pass on, quotes the text.
    return false;
  }
}
