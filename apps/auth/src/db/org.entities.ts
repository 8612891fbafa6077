import type { TeamRole } from '@lineclear/contracts';
import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { User } from './user.entity.js';

/** A tenant. */
@Entity('organizations')
@Index('organizations_slug', ['slug'], { unique: true })
export class Organization {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'organizations_pk',
  })
  id: number;

  @Column('text')
  name: string;

  @Column('text')
  slug: string;

  @Column('text')
  description: string;

  @Column('jsonb')
  settings: Record<string, unknown>;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;
}

@Entity('teams')
@Index('teams_slug', ['org_id', 'slug'], { unique: true })
export class Team {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'teams_pk',
  })
  id: number;

  @Column('integer')
  org_id: number;

  @Column('text')
  name: string;

  @Column('text')
  slug: string;

  @Column('text')
  description: string;

  @Column('jsonb')
  settings: Record<string, unknown>;

  @Column('timestamptz')
  created_at: Date;

  @Column('timestamptz')
  updated_at: Date;

  @ManyToOne(() => Organization)
  @JoinColumn({ name: 'org_id', foreignKeyConstraintName: 'teams_org_fk' })
  org: Organization;
}

/** The organisation that a person belongs to: by the key there is one at most. */
@Entity('org_members')
@Index('org_members_org_id', ['org_id', 'user_id'])
export class OrgMember {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'org_members_pk' })
  user_id: number;

  @Column('integer')
  org_id: number;

  @Column('timestamptz')
  joined_at: Date;

  @ManyToOne(() => User, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'org_members_user_fk' })
  user: User;

  @ManyToOne(() => Organization)
  @JoinColumn({ name: 'org_id', foreignKeyConstraintName: 'org_members_org_fk' })
  org: Organization;
}

/** A team that a person is in. It goes with their membership of the organisation, which all their teams are of. */
@Entity('team_members')
@Index('team_members_user_id', ['user_id'])
export class TeamMember {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'team_members_pk' })
  team_id: number;

  @PrimaryColumn('integer', { primaryKeyConstraintName: 'team_members_pk' })
  user_id: number;

  @Column('text')
  role: TeamRole;

  @Column('timestamptz')
  joined_at: Date;

  @ManyToOne(() => Team, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'team_id', foreignKeyConstraintName: 'team_members_team_fk' })
  team: Team;

  @ManyToOne(() => OrgMember, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'team_members_member_fk' })
  member: OrgMember;
}
