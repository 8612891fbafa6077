export { deliver, type Delivered, type DeliveredFile } from './deliver.js';
export { BadCredential, UnusableFile } from './errors.js';
export { discover, findCredentials, type Found, type Problem } from './find.js';
export type { CredentialFormat, Delivery, Field, Values } from './format.js';
export { FORMATS, formatNamed } from './formats.js';
export { Hidden } from './hidden.js';
export { expandHome } from './location.js';
export { machineAt, type Machine } from './machine.js';
export { EMPTY_MANIFEST, readManifest, writeManifest, type Manifest } from './manifest.js';
export { place, type Placed, type PlaceOptions } from './place.js';
export { checkValues, oddFields } from './values.js';
export {
  placedCredentials,
  withdraw,
  type PlacedCredential,
  type Withdrawn,
  type WithdrawOutcome,
} from './withdraw.js';
