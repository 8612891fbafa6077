import type { z } from 'zod';
import type { Rule } from '../domain/rule-set.js';
import { newRule, settingsOf } from './rule-wire.js';

export const MAX_DRAFTS = 200;

/** Rules that are not set yet, those that are active, each with its place in what was sent, from 1, as its id. @throws BadInput naming the draft's `threshold` */
export const draftRules = (bodies: readonly z.infer<typeof newRule>[]): Rule[] =>
  bodies.flatMap((body, n) => {
    const settings = settingsOf(body, `rules.${n}.`);
    return settings.isActive ? [{ ...settings, id: n + 1 }] : [];
  });
