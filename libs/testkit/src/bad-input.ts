import { expect } from 'vitest';
import type { Client } from './client.js';

/** Bodies that no route may take, whatever it is for. */
export const HOPELESS_BODIES: readonly [string, string | Uint8Array][] = [
  ['broken JSON', '{"name": '],
  ['bad UTF-8', new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0x22, 0x7d])],
  ['an 11 MB body', `{"name":"${'x'.repeat(11 * 1024 * 1024)}"}`],
  ['100 levels of nesting', `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`],
  ['a NUL character', '{"name":"a\\u0000b"}'],
  ['an array', '[1,2,3]'],
  ['a string', '"hello"'],
];

/**
 * Sends to a route what must be refused: the hopeless bodies, an unknown field, and each of `wrong` (a body with one
 * wrong field, and that field's path). Every answer must be 4xx problem+json, and name the field where there is one.
 */
export async function refusesBadInput(
  send: Client['post'],
  path: string,
  good: object,
  wrong: readonly (readonly [field: string, body: object])[],
): Promise<void> {
  for (const [what, body] of HOPELESS_BODIES) expectProblem(await send(path, body), `${path}: ${what}`);
  const unknown = await send(path, { ...good, no_such_field: 1 });
  expectProblem(unknown, `${path}: unknown field`, 'no_such_field');
  for (const [field, body] of wrong)
    expectProblem(await send(path, body), `${path}: ${JSON.stringify(body).slice(0, 80)}`, field);
}

/** Asserts a 4xx problem document, and that one of its errors is about `field`. */
export function expectProblem(
  answer: { status: number; headers: Headers; body: unknown },
  what: string,
  field?: string,
): void {
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  expect(answer.status, `${what}: ${JSON.stringify(answer.body)}`).toBeLessThan(500);
  expect(answer.headers.get('content-type'), what).toContain('application/problem+json');
  const problem = answer.body as { status: number; detail: string; errors?: { path: string }[] };
  expect(problem.status, what).toBe(answer.status);
  expect(problem.detail, what).toBeTypeOf('string');
  if (field !== undefined) {
    const paths = problem.errors?.map((error) => error.path) ?? [];
    expect(
      paths.some((path) => path === field || path.startsWith(`${field}.`)),
      `${what}: errors name ${JSON.stringify(paths)}, not ${field}`,
    ).toBe(true);
  }
}
