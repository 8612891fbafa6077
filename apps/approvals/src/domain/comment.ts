export const COMMENT_KINDS = ['comment', 'changes_requested', 'resubmitted', 'reviewed'] as const;
export type CommentKind = (typeof COMMENT_KINDS)[number];

/** What somebody wrote about a request. One that asks for changes ends the round it was written in, and the answer begins the next. */
export interface Comment {
  readonly id: string;
  readonly requestId: string;
  readonly round: number;
  readonly kind: CommentKind;
  readonly userId: number;
  readonly username: string;
  readonly text: string;
  readonly at: Date;
}
