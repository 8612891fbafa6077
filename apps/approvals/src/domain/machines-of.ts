import type { JobFacts } from '@lineclear/contracts';

/** All hardware that a job may come to run on. */
export const machinesOf = ({ hardware, also_hardware = [] }: JobFacts): string[] => [
  hardware,
  ...also_hardware,
];
