/** What an engine says to a request: a status with data, or with errors. */
export type EngineReply =
  | { readonly status: number; readonly data?: unknown; readonly warnings?: readonly string[] }
  | { readonly status: number; readonly errors: readonly string[] };

export interface EngineRequest {
  readonly method: string;
  /** Below the mount. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Engine {
  readonly type: 'kv' | 'transit';
  readonly options: { readonly version: string } | null;
  handle(request: EngineRequest): EngineReply;
}

export const NOT_THERE: EngineReply = { status: 404, errors: [] };
export const UNSUPPORTED: EngineReply = {
  status: 405,
  errors: ['1 error occurred:\n\t* unsupported operation\n\n'],
};
export const isRead = (method: string): boolean => method === 'GET';
export const isWrite = (method: string): boolean => method === 'POST' || method === 'PUT';
