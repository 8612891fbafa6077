import { Inject, Injectable } from '@nestjs/common';
import { ask, Bus } from '@lineclear/bus';
import { MAX_SCANNED_CHARACTERS, MAX_SCANNED_TEXTS, scanTexts, type ReplyOf } from '@lineclear/contracts';
import { Clock, LOGGER, Metrics, type Logger } from '@lineclear/kit';
import { Counter } from 'prom-client';
import { stringsOf, wholeTextOf, type Said, type TextAt } from '../domain/strings-of.js';
import type { Submission } from './submission.js';

const DEADLINE_MS = 1_500;
const PAUSE_MS = 1_000;
/** Where more strings than this would have to be asked for, only that it is somewhere in the config is told. */
const MAX_LOCATED = 200;
const MAX_TOLD = 10;
const MAX_PATH = 200;

type Found = ReplyOf<typeof scanTexts>['found'][number];
interface Text extends TextAt {
  readonly userId: number;
}

/** What is known of one submit: clean, or which field holds a secret, or nothing, as nobody answered. */
export type Scanned =
  | { readonly kind: 'clean' }
  | { readonly kind: 'leaks'; readonly found: readonly Found[] }
  | { readonly kind: 'not_scanned' };

const CLEAN: Scanned = { kind: 'clean' };

/** Asks the secrets service which submits hold values of secrets, before anything of them is stored or told. */
@Injectable()
export class LeakScan {
  #silentUntilMs = 0;
  readonly #scans: Counter<'outcome'>;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
    { registry }: Metrics,
  ) {
    this.#scans = new Counter({
      name: 'lineclear_submits_scanned_total',
      help: 'Submits that were looked through for values of secrets, by what was found; not_scanned: the secrets service did not answer',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  /** One result per submission, in the same order. Those that come together share their questions. */
  async of(batch: readonly Submission[]): Promise<Scanned[]> {
    const texts = batch.flatMap(({ job }, index) => {
      const said = saidIn(job);
      // Without a long string there is no question.
      return stringsOf(said).length === 0
        ? []
        : [{ path: String(index), text: wholeTextOf(said), userId: job.userId }];
    });
    const found = await this.#ask(texts);
    const results: Scanned[] = batch.map(() => CLEAN);
    for (const { path } of texts) if (found === undefined) results[Number(path)] = { kind: 'not_scanned' };
    for (const path of new Set(found?.map((one) => one.path))) {
      const leaks = found!.filter((one) => one.path === path);
      results[Number(path)] = { kind: 'leaks', found: await this.#locate(batch[Number(path)]!, leaks) };
    }
    for (const { kind } of results) this.#scans.inc({ outcome: kind });
    return results;
  }

  /** Where in a submit the secrets are that are somewhere in it. */
  async #locate({ job }: Submission, leaks: readonly Found[]): Promise<Found[]> {
    const somewhere = leaks.slice(0, MAX_TOLD).map((leak) => ({ ...leak, path: 'config' }));
    const strings = stringsOf(saidIn(job));
    if (strings.length > MAX_LOCATED) return somewhere;
    const { userId } = job;
    const texts = strings.flatMap(({ path, text }, index): Text[] => [
      { path: `text ${index}`, text, userId },
      // A path is told and logged: one that holds a secret itself must not be.
      { path: `path ${index}`, text: path, userId },
    ]);
    const found = (await this.#ask(texts)) ?? [];
    const badPaths = new Set(
      found.filter(({ path }) => path.startsWith('path ')).map(({ path }) => path.slice('path '.length)),
    );
    const located = found.flatMap(({ path, ...rest }) => {
      const [kind, index] = path.split(' ');
      if (kind !== 'text') return [];
      const whole = strings[Number(index)]!.path;
      const field = whole.split('.')[0]!;
      return [{ ...rest, path: badPaths.has(index!) ? field : whole.slice(0, MAX_PATH) }];
    });
    return located.length === 0 ? somewhere : located.slice(0, MAX_TOLD);
  }

  /** What is in these texts; undefined when that is not known of all of them. */
  async #ask(texts: readonly Text[]): Promise<Found[] | undefined> {
    if (texts.length === 0) return [];
    // While the secrets service hangs, not every batch waits for it.
    if (this.clock.now().getTime() < this.#silentUntilMs) return undefined;
    try {
      const answers = await Promise.all(
        questionsOf(texts).map((question) =>
          ask(
            this.bus,
            scanTexts,
            { texts: question.map(({ path, text, userId: user_id }) => ({ path, text, user_id })) },
            DEADLINE_MS,
          ),
        ),
      );
      return answers.flatMap(({ found }) => found);
    } catch (error) {
      this.#silentUntilMs = this.clock.now().getTime() + PAUSE_MS;
      this.log.warn({ err: error, texts: texts.length }, 'submits could not be looked through for secrets');
      return undefined;
    }
  }
}

const saidIn = (job: Submission['job']): Said => ({
  config_name: job.configName,
  config: job.config,
  output_path: job.outputPath,
  checkpoint_path: job.checkpointPath,
  labels: job.labels,
});

/** The texts in as few questions as the contract allows. */
function questionsOf(texts: readonly Text[]): Text[][] {
  const questions: Text[][] = [];
  let left = 0;
  for (const text of texts) {
    const last = questions.at(-1);
    if (last && last.length < MAX_SCANNED_TEXTS && text.text.length <= left) last.push(text);
    else {
      questions.push([text]);
      left = MAX_SCANNED_CHARACTERS;
    }
    left -= text.text.length;
  }
  return questions;
}
