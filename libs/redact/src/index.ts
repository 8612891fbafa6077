export type { FoundValue, ValueForm } from './found-value.js';
export { KnownValues } from './known-values.js';
export { MASK, maskStream, type StreamMasker } from './mask-stream.js';
export { partsOf } from './parts-of.js';
