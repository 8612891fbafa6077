/** What a connection may cost. Bodies have their limit in the services. */
export interface HttpLimits {
  readonly headerBytes: number;
  readonly headers: number;
  /** Until all headers have come, beginning with the connection. */
  readonly headersMs: number;
  /** The longest a client may take to send a whole request. */
  readonly requestMs: number;
  /** How often connections are looked at for the two above. */
  readonly lookEveryMs: number;
}

export const HTTP_LIMITS: HttpLimits = {
  headerBytes: 16 * 1_024,
  headers: 100,
  headersMs: 15_000,
  requestMs: 300_000,
  lookEveryMs: 5_000,
};
