import { explainAnswer } from '../answers.js';
import { openApi } from '../api.js';
import { command } from '../command.js';
import { table } from '../domain/printable.js';
import { nameFrom, scopeFrom, SECRET_OPTIONS, SECRET_USAGE } from '../secret-options.js';
import { line, show } from '../show.js';

export const secretsExplain = command({
  name: 'secrets explain',
  usage: `NAME ${SECRET_USAGE}`,
  about: 'Tells where a job that asks for a name gets it from, and what other sources say',
  options: SECRET_OPTIONS,
  words: [1, 1],
  run: async ({ options, words, world }) => {
    const query = { scope: scopeFrom(options) };
    const name = nameFrom(words[0]);
    const api = await openApi(world);
    const answer = await api.ask('GET', `/api/secrets/${name}/explain`, explainAnswer, { query });
    const rows = answer.sources.map((one) => [
      one.source,
      one.scope,
      one.error === undefined ? (!one.asked ? 'not asked' : one.has ? 'has it' : 'has it not') : 'failed',
      one.version === undefined ? (one.version_id ?? '') : String(one.version),
      ageOf(one),
      one.error ?? one.note ?? '',
    ]);
    const { found_in: found } = answer;
    const conclusion = line(
      found ? `${name} comes from ${found.source} (${found.scope})` : `${name} comes from nowhere`,
    );
    const titles = ['SOURCE', 'SCOPE', 'SAYS', 'VERSION', 'AGE', 'NOTE'];
    show(world, options, answer, () => conclusion + table(titles, rows));
  },
});

const ageOf = ({
  cache_age_seconds: age,
  stale,
}: {
  cache_age_seconds?: number | undefined;
  stale?: boolean | undefined;
}): string => (age === undefined ? '' : `${Math.round(age)} s${stale ? ', stale' : ''}`);
