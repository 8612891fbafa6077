/** How a value may be written in a text. */
export type ValueForm = 'raw' | 'json' | 'url' | 'base64' | 'hex';

/** A value as it stands in a text: which, how it is written, and between which bytes. */
export interface FoundValue {
  readonly value: number;
  readonly form: ValueForm;
  readonly from: number;
  /** Without a first letter of base64 that has bits of what is before it, too, and without the first digit of hex. */
  readonly ownFrom: number;
  readonly to: number;
}

/** Says whether shorter values that end at the same place in the same form are of interest too. */
export type Report = (found: FoundValue) => boolean;
