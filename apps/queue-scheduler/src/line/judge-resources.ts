import { explain, judge } from '@lineclear/access';
import type { Principal, ResourceType } from '@lineclear/contracts';
import { NotAllowed } from '@lineclear/kit';
import type { Wanted } from './submission.js';

/** What submits call what rules are about. */
const FIELD: Readonly<Record<ResourceType, string>> = {
  config: 'config_name',
  hardware: 'hardware',
  provider: 'provider',
  output_path: 'output_path',
};

/** Why the caller's resource rules let no such job in; undefined when they do, or there are none. */
export function refusalOf(by: Principal, wanted: Wanted): NotAllowed | undefined {
  if (!by.resource_rules) return undefined;
  const rules = by.resource_rules;
  // Whatever it may be tried on again must be its submitter's too.
  const machines = [wanted.hardware, ...(wanted.retry?.oom_hardware ?? []).map((one) => one.hardware)];
  const judged = machines.map((hardware) =>
    judge(rules, {
      config: wanted.configName,
      hardware,
      provider: wanted.provider,
      outputPath: wanted.outputPath ?? undefined,
    }),
  );
  const refused = judged.find(({ allowed }) => !allowed);
  if (!refused) return undefined;
  const denied = refused.decisions
    .filter((decision) => !decision.allowed)
    .map((decision) => ({ path: FIELD[decision.type], message: explain(decision) }));
  return new NotAllowed(denied.map(({ message }) => message).join('; '), denied);
}
