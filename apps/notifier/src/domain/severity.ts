/** How much an event matters, least first. */
export const SEVERITIES = ['debug', 'info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Whether something of severity `given` is worth telling to someone who asked for `wanted` and above. */
export const reachesSeverity = (given: Severity, wanted: Severity): boolean =>
  SEVERITIES.indexOf(given) >= SEVERITIES.indexOf(wanted);
