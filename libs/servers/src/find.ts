import { allowedSources, type Source } from './config.js';
import type { Program } from './server.js';

export type Finder = () => Promise<Program | string>;

/**
 * Asks each source in turn for the program of a server. A source answers with the program or with why it has none; when
 * none has one, the error tells every reason and the one line that helps.
 */
export async function findProgram(
  what: string,
  finders: Partial<Record<Source, Finder>>,
  sources: readonly Source[] = allowedSources(),
  help: string,
): Promise<Program> {
  const reasons: string[] = [];
  for (const source of sources) {
    const finder = finders[source];
    if (finder === undefined) continue;
    const answer = await finder().catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    if (typeof answer !== 'string') return answer;
    reasons.push(`  ${source}: ${answer}`);
  }
  throw new Error(`No ${what} was found, and none could be fetched:\n${reasons.join('\n')}\n${help}`);
}
