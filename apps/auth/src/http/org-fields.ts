import { slug, TEAM_ROLES } from '@lineclear/contracts';
import { z } from 'zod';
import type { MemberRow, TeamMemberRow } from '../db/members.repo.js';
import type { OrgRow } from '../db/orgs.repo.js';
import type { TeamRow } from '../db/teams.repo.js';
import { bodyId, keyName, pageSize, rowId } from './fields.js';

const MAX_SETTINGS_CHARACTERS = 4_000;
const description = z
  .string()
  .trim()
  .max(500)
  .regex(/^[^\p{Cc}]*$/u, 'holds control characters');
/** What others want to keep with it; nothing here reads it. */
const settings = z
  .record(z.string().max(100), z.unknown())
  .refine(
    (value) => JSON.stringify(value).length <= MAX_SETTINGS_CHARACTERS,
    `is longer than ${MAX_SETTINGS_CHARACTERS} characters as JSON`,
  );

/** An organisation or a team as it is made. */
export const describedBody = z.strictObject({
  name: keyName,
  slug,
  description: description.default(''),
  settings: settings.default({}),
});
/** What is changed of it; the slug is how others call it, and stays. */
export const describedPatch = z
  .strictObject({
    name: keyName.optional(),
    description: description.optional(),
    settings: settings.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'holds nothing to change');

const role = z.enum(TEAM_ROLES);
export const memberBody = z.strictObject({ user_id: bodyId });
export const teamMemberBody = z.strictObject({ user_id: bodyId, role: role.default('member') });
export const roleBody = z.strictObject({ role });
export const pageQuery = z.strictObject({ limit: pageSize, cursor: rowId.optional() });

/** Where a page begins and how long it is. */
export const pageOf = ({
  limit,
  cursor = 0,
}: z.infer<typeof pageQuery>): { readonly after: number; readonly limit: number } => ({
  after: cursor,
  limit,
});

/** The cursor of the next page, where there may be one. */
export const nextCursor = (
  ids: readonly number[],
  { limit }: { readonly limit: number },
): { readonly next_cursor?: number } => {
  const last = ids.at(-1);
  return ids.length === limit && last !== undefined ? { next_cursor: last } : {};
};

const described = {
  name: z.string(),
  slug: z.string(),
  description: z.string(),
  settings: z.record(z.string(), z.unknown()),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
};
const orgSchema = z.object({
  id: z.int(),
  ...described,
  team_count: z.int(),
  member_count: z.int(),
});
const teamSchema = z.object({
  id: z.int(),
  org_id: z.int(),
  ...described,
  member_count: z.int(),
});
const orgMemberSchema = z.object({
  user_id: z.int(),
  username: z.string(),
  display_name: z.string(),
  is_active: z.boolean(),
  joined_at: z.iso.datetime(),
});
const teamMemberSchema = orgMemberSchema.extend({ role });

const list = { total: z.int(), next_cursor: z.int().optional() };
export const orgList = z.object({ organizations: z.array(orgSchema), ...list });
export const teamList = z.object({ teams: z.array(teamSchema), ...list });
export const orgMemberList = z.object({ members: z.array(orgMemberSchema), ...list });
export const teamMemberList = z.object({ members: z.array(teamMemberSchema), ...list });
export const oneOrg = z.object({ organization: orgSchema });
export const oneTeam = z.object({ team: teamSchema });
export const oneOrgMember = z.object({ member: orgMemberSchema });
export const oneTeamMember = z.object({ member: teamMemberSchema });
export const success = z.object({ success: z.literal(true) });

export const orgView = (org: OrgRow): z.infer<typeof orgSchema> => ({
  id: org.id,
  ...describedView(org),
  team_count: org.team_count,
  member_count: org.member_count,
});

export const teamView = (team: TeamRow): z.infer<typeof teamSchema> => ({
  id: team.id,
  org_id: team.org_id,
  ...describedView(team),
  member_count: team.member_count,
});

const describedView = ({
  name,
  slug: address,
  description: text,
  settings: kept,
  ...at
}: OrgRow | TeamRow) => ({
  name,
  slug: address,
  description: text,
  settings: { ...kept },
  created_at: at.created_at.toISOString(),
  updated_at: at.updated_at.toISOString(),
});

export const orgMemberView = (member: MemberRow): z.infer<typeof orgMemberSchema> => ({
  user_id: member.user_id,
  username: member.username,
  display_name: member.display_name,
  is_active: member.is_active,
  joined_at: member.joined_at.toISOString(),
});

export const teamMemberView = (member: TeamMemberRow): z.infer<typeof teamMemberSchema> => ({
  ...orgMemberView(member),
  role: member.role,
});
