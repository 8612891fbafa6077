import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsFault, type Input, type Operations } from './fake-aws-protocol.js';
import { FakeKms } from './fake-aws-kms.js';
import { FakeSecretsManager } from './fake-aws-secrets.js';

/** How a call goes wrong: an error of AWS; no answer ever; a connection that ends without one; or an answer that is no JSON. */
export type AwsTrouble =
  'denied' | 'throttled' | { readonly throttledSeconds: number } | 'broken' | 'hang' | 'cut' | 'garbage';

export interface FakeAws {
  readonly url: string;
  readonly secrets: FakeSecretsManager;
  readonly kms: FakeKms;
  /** How often an operation was called: `GetSecretValue`, `Decrypt` … */
  calls(operation: string): number;
  /** A header of the latest request. */
  lastHeader(name: string): string | undefined;
  /** The next `times` calls of an operation go wrong. */
  failNext(operation: string, times: number, trouble: AwsTrouble): void;
  /** From now on nothing goes wrong. */
  recover(): void;
  /** Answers to this operation wait until the returned function is called. */
  hold(operation: string): () => void;
  close(): Promise<void>;
}

/**
 * Starts Secrets Manager and KMS as far as this house uses them, over the JSON 1.1 protocol. Requests must carry a Signature
 * Version 4, which is not verified. It is written from AWS's documents and is not AWS.
 */
export async function startFakeAws(): Promise<FakeAws> {
  const secrets = new FakeSecretsManager();
  const kms = new FakeKms();
  const services: Readonly<Record<string, Operations>> = {
    secretsmanager: secrets.operations,
    TrentService: kms.operations,
  };
  const calls = new Map<string, number>();
  const troubles = new Map<string, AwsTrouble[]>();
  let latest: IncomingMessage | undefined;
  const held = new Map<string, Promise<void>>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    latest = request;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [service = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
    calls.set(operation, (calls.get(operation) ?? 0) + 1);
    await held.get(operation);
    const trouble = troubles.get(operation)?.shift();
    if (trouble === 'hang') return;
    if (trouble === 'cut') return void request.socket.destroy();
    if (trouble === 'garbage')
      return send(response, 200, `{"SecretString": ${Buffer.concat(chunks).toString()}`);
    try {
      if (trouble !== undefined) throw faultOf(trouble);
      requireSignature(request);
      const act = services[service]?.[operation];
      if (!act) throw new AwsFault('UnknownOperationException', `no operation ${service}.${operation}`);
      send(response, 200, JSON.stringify(act(JSON.parse(Buffer.concat(chunks).toString() || '{}') as Input)));
    } catch (error) {
      const fault =
        error instanceof AwsFault ? error : new AwsFault('InternalServiceError', String(error), 500);
      const body = JSON.stringify({ __type: fault.type, message: fault.message, Message: fault.message });
      send(response, fault.status, body, fault.headers);
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secrets,
    kms,
    calls: (operation) => calls.get(operation) ?? 0,
    lastHeader: (name) => latest?.headers[name]?.toString(),
    failNext(operation, times, trouble) {
      const queue = troubles.get(operation) ?? [];
      troubles.set(operation, [...queue, ...Array<AwsTrouble>(times).fill(trouble)]);
    },
    recover: () => troubles.clear(),
    hold(operation) {
      let release: () => void = () => undefined;
      held.set(operation, new Promise((resolve) => (release = resolve)));
      return () => {
        held.delete(operation);
        release();
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const SIGNATURE =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/(secretsmanager|kms)\/aws4_request, ?SignedHeaders=[a-z0-9;-]+, ?Signature=[0-9a-f]{64}$/;

function requireSignature({ headers }: IncomingMessage): void {
  if (headers.authorization === undefined)
    throw new AwsFault('MissingAuthenticationTokenException', 'Missing Authentication Token');
  if (!SIGNATURE.test(headers.authorization) || headers['x-amz-date'] === undefined)
    throw new AwsFault('IncompleteSignatureException', 'the request is not signed with version 4');
}

function faultOf(trouble: Exclude<AwsTrouble, 'hang' | 'cut' | 'garbage'>): AwsFault {
  if (typeof trouble === 'object')
    return new AwsFault('ThrottlingException', 'Rate exceeded', 400, {
      'retry-after': String(trouble.throttledSeconds),
    });
  switch (trouble) {
    case 'denied':
      return new AwsFault('AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized');
    case 'throttled':
      return new AwsFault('ThrottlingException', 'Rate exceeded');
    case 'broken':
      return new AwsFault('InternalServiceError', 'it is us', 500);
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', ...headers });
  response.end(body);
}
