import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { mergeOpenApi, type ServiceDocument } from './merge-openapi.js';
import { SERVICES } from './routes.js';
import { ask, type Upstreams } from './upstreams.js';

const DEADLINE_MS = 5_000;
const CACHED_MS = 10_000;
const ASSETS = new Set(['/swagger-ui.css', '/swagger-ui-bundle.js', '/favicon-32x32.png']);

/** Swagger UI draws its icons from data: URLs and sets styles through the DOM, so nothing inline needs to be allowed. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Lineclear API</title>
    <link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
    <link rel="icon" type="image/png" href="/api/docs/assets/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;

// No validator: it would send the document's address to a server outside.
const START = `SwaggerUIBundle({ url: '/api/docs/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });
`;

const OWN = {
  tags: [{ name: 'health', description: 'How the house is' }],
  paths: Object.fromEntries(
    [
      [
        '/api/cloud/health',
        'The state of each service and of what it stands on; 503 when nothing can be submitted',
      ],
      ['/api/cloud/health/live', 'The front door is up'],
      ['/api/cloud/health/ready', 'Jobs can be submitted, or 503'],
    ].map(([path, summary]) => [
      path,
      { get: { tags: ['health'], summary, security: [], responses: { 200: { description: 'Yes' } } } },
    ]),
  ),
};

async function gather(upstreams: Upstreams, version: string): Promise<string> {
  const answers = await Promise.allSettled(
    SERVICES.map(async (service): Promise<ServiceDocument> => {
      const { status, body } = await ask(upstreams[service], '/openapi.json', DEADLINE_MS);
      if (status !== 200) throw new Error(`answered ${status}`);
      return { service, document: body };
    }),
  );
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const missing = SERVICES.filter((_, index) => answers[index]?.status === 'rejected');
  const merged = mergeOpenApi([{ service: 'gateway', document: OWN }, ...found], version);
  return JSON.stringify(missing.length === 0 ? merged : { ...merged, 'x-lineclear-missing': missing });
}

export function registerDocs(app: FastifyInstance, upstreams: Upstreams, version: string): void {
  let last: { readonly at: number; readonly json: Promise<string> } | undefined;
  app.get('/api/docs/openapi.json', async (_, reply) => {
    const now = performance.now();
    if (last === undefined || now - last.at > CACHED_MS) last = { at: now, json: gather(upstreams, version) };
    return reply.type('application/json; charset=utf-8').send(await last.json);
  });

  for (const path of ['/api/docs', '/api/docs/'])
    app.get(path, (_, reply) =>
      reply.header('content-security-policy', CSP).type('text/html; charset=utf-8').send(PAGE),
    );
  app.get('/api/docs/start.js', (_, reply) => reply.type('text/javascript; charset=utf-8').send(START));
  void app.register(fastifyStatic, {
    root: dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
    prefix: '/api/docs/assets/',
    allowedPath: (path) => ASSETS.has(path),
    maxAge: '1d',
    cacheControl: true,
  });
}
