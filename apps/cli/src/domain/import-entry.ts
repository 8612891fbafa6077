/** A name and the value it is to have. */
export interface ImportEntry {
  readonly name: string;
  readonly value: string;
  /** Why it cannot be one. */
  readonly why?: string;
}
