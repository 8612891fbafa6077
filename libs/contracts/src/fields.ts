import { z } from 'zod';

// Fields that several contracts share, each with its bound.
export const jobId = z.string().regex(/^job_[0-9a-f]{32}$/, 'is not a job id');
export { orgId, teamId } from './quotas.js';
export const userId = z.int().min(1);
export const username = z.string().min(1).max(50);
export const email = z.email().max(254);
export const provider = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'is not a provider name');
export const hardware = z.string().trim().min(1).max(80);
export const configName = z.string().trim().min(1).max(200);
export const secretName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'is not a secret name');
/** US dollars, to a hundredth of a cent. */
export const costUsd = z.number().min(0).max(1_000_000_000);
export const instant = z.iso.datetime();
export const reason = z.string().max(2_000);
