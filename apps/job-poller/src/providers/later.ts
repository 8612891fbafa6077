/** A call was not made, and nothing follows from that for its run: it may be made after a while. */
export class Later extends Error {
  override readonly name = 'Later';

  constructor(
    message: string,
    readonly waitMs: number,
    /** The provider is away: how often it did not know a run counts from anew. */
    readonly isAway = false,
  ) {
    super(message);
  }
}
