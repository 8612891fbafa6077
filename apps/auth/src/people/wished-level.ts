import type { Level } from '@lineclear/contracts';
import { BadInput, type Queryable } from '@lineclear/kit';
import type { LevelRow } from '../db/level.entity.js';
import * as levels from '../db/levels.repo.js';

/** A level that somebody named, and the field in which they did. */
export interface LevelWish {
  readonly name: Level;
  readonly field: string;
}

/** @throws BadInput naming the field where there is no such level */
export async function wishedLevel(on: Queryable, { name, field }: LevelWish): Promise<LevelRow> {
  const level = await levels.byName(on, name);
  if (!level) throw BadInput.at(field, `there is no level ${name}`);
  return level;
}
