import { fields } from '@lineclear/contracts';
import { z } from 'zod';
import { BEYOND, type Eta } from '../domain/eta.js';
import type { Forecast } from '../line/forecasts.js';

/** When a job is expected to start; null for a job that is not in the queue. */
export const etaView = z
  .object({
    p50: fields.instant.nullable(),
    p90: fields.instant.nullable(),
    is_bounded: z.boolean(),
    beyond: z.enum(BEYOND).nullable(),
    as_of: fields.instant,
  })
  .nullable();

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export const viewEta = (
  { p50Ms, p90Ms, beyond }: Eta,
  { snapshot }: Forecast,
): NonNullable<z.input<typeof etaView>> => ({
  p50: iso(p50Ms),
  p90: iso(p90Ms),
  is_bounded: beyond === null,
  beyond,
  as_of: new Date(snapshot.atMs).toISOString(),
});
