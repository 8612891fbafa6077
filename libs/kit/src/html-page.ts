import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24em; margin: 4em auto; padding: 0 1em; }
label, output, pre { display: block; margin: 1em 0; }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .4em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid; padding: .6em; }
button { font: inherit; padding: .4em 1em; }
`;

/** A page that is all in one answer: nothing else is loaded, and nothing else can run. */
export class HtmlPage {
  readonly #html: string;
  readonly #policy: string;

  /** `body` and `script` are the house's own texts: nothing that came from outside belongs in them. */
  constructor({ title, body, script }: { title: string; body: string; script: string }) {
    this.#html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title} - Lineclear</title>
<style>${STYLE}</style>
</head>
<body>
${body}
<noscript>This page needs JavaScript.</noscript>
<script>${script}</script>
</body>
</html>
`;
    this.#policy = [
      `default-src 'none'`,
      `script-src ${hashOf(script)}`,
      `style-src ${hashOf(STYLE)}`,
      `connect-src 'self'`,
      `form-action 'none'`,
      `base-uri 'none'`,
      `frame-ancestors 'none'`,
    ].join('; ');
  }

  /** The page as an answer that nobody keeps and whose address nobody is told. */
  answer(reply: FastifyReply): string {
    void reply
      .header('cache-control', 'no-store')
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', this.#policy)
      .header('referrer-policy', 'no-referrer')
      .header('x-content-type-options', 'nosniff');
    return this.#html;
  }
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
