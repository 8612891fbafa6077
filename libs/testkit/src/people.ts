import { createHash, randomBytes } from 'node:crypto';
import {
  introspect,
  principalChanged,
  principalsChanged,
  SYSTEM_LEVELS,
  type Level,
  type Permission,
  type Principal,
  type ResourceRule,
} from '@lineclear/contracts';
import type { Peer } from './peer.js';

export interface Person {
  readonly principal: Principal;
  /** Goes into `Authorization: Bearer`. */
  readonly token: string;
}

/** Users with API keys, of the levels that every house has or of others, known through the auth service's contract; for tests of one service without the auth service. */
export interface People {
  /** What auth does when somebody makes a level, before anyone has it. */
  level(name: Level, level: { priority: number; permissions: readonly Permission[] }): Promise<void>;
  add(
    level: Level,
    more?: { username?: string; permissions?: readonly Permission[] } & Pick<Principal, 'org' | 'teams'>,
  ): Person;
  /** What auth does when someone's rights change. */
  change(person: Person, permissions: readonly Permission[]): Promise<void>;
  /** What auth does when the resource rules of someone's level change. */
  restrict(person: Person, rules: readonly ResourceRule[]): Promise<void>;
  /** Auth stops answering. */
  down(): void;
  up(): void;
}

export async function people(peer: Peer): Promise<People> {
  const byToken = new Map<string, Principal>();
  const levels = new Map(Object.entries(SYSTEM_LEVELS));
  let nextId = 1;
  const upTo = (priority: number): Level[] =>
    [...levels].filter(([, level]) => level.priority <= priority).map(([name]) => name);
  const up = (): void =>
    peer.answer(introspect, ({ token_sha256 }) => {
      const principal = byToken.get(token_sha256);
      return {
        principal: principal ? { ...principal, reaches: upTo(principal.level_priority) } : null,
      };
    });
  up();
  await peer.flush();
  const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
  return {
    async level(name, level) {
      levels.set(name, level);
      await peer.publish(principalsChanged, {});
    },
    add(level, more = {}) {
      const held = levels.get(level);
      if (!held) throw new Error(`there is no level ${level}`);
      const id = nextId;
      nextId += 1;
      const username = more.username ?? `${level}${id}`;
      const token = `lc_${randomBytes(24).toString('base64url')}`;
      const principal: Principal = {
        user_id: id,
        username,
        email: `${username}@lineclear.test`,
        level,
        level_priority: held.priority,
        reaches: upTo(held.priority),
        permissions: [...(more.permissions ?? held.permissions)],
        via: 'api_key',
        credential_id: id,
        ...(more.org === undefined ? {} : { org: more.org }),
        ...(more.teams === undefined ? {} : { teams: more.teams }),
      };
      byToken.set(sha256(token), principal);
      return { principal, token };
    },
    async change(person, permissions) {
      byToken.set(sha256(person.token), { ...person.principal, permissions: [...permissions] });
      await peer.publish(principalChanged, { user_id: person.principal.user_id });
    },
    async restrict({ token, principal }, rules) {
      const { resource_rules: _, ...rest } = principal;
      byToken.set(sha256(token), rules.length === 0 ? rest : { ...rest, resource_rules: [...rules] });
      await peer.publish(principalsChanged, { levels: [principal.level] });
    },
    down: () => peer.stopAnswering(introspect),
    up,
  };
}
