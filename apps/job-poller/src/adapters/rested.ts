import { ProviderFailure } from './adapter.js';

/** The failure, with how long this kind of call must rest where the provider says "later", and not how much. */
export const rested = (failure: ProviderFailure, restMs: number): ProviderFailure =>
  failure.kind === 'busy' && failure.retryAfterMs === undefined
    ? new ProviderFailure('busy', failure.message, restMs)
    : failure;
