import type { z } from 'zod';
import type { arrayAnswer } from './answers.js';
import { printable, table } from './domain/printable.js';
import { say, type World } from './world.js';

/** Prints an answer: as JSON for programs, else as `human` says it. */
export function show(
  world: World,
  { json }: { readonly json?: boolean | undefined },
  answer: unknown,
  human: () => string,
): void {
  if (json) say(world, JSON.stringify(answer, undefined, 2));
  else world.stdout.write(human());
}

/** A line of one's own words with what the server said in it. */
export const line = (...parts: readonly string[]): string => `${printable(parts.join(''))}\n`;

/** The jobs of an array, each with what it is about. */
export const tasksTable = ({ jobs }: z.infer<typeof arrayAnswer>): string =>
  table(
    ['JOB', 'STATUS', 'PARAMETERS'],
    jobs.map(({ job_id: id, status, parameters }) => [id, status, JSON.stringify(parameters)]),
  );

/** An instant as people read it, in UTC and to the second. */
export const instant = (iso: string | undefined): string =>
  iso === undefined ? '' : iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');

/** Whose a secret is, in few words: `user 12`, `team 3`. */
export const ownerOf = ({
  scope,
  user_id: user,
  team_id: team,
  org_id: org,
}: {
  readonly scope: string;
  readonly user_id?: number | undefined;
  readonly team_id?: number | undefined;
  readonly org_id?: number | undefined;
}): string => [scope, user ?? team ?? org].filter((part) => part !== undefined).join(' ');
