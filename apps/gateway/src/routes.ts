export const SERVICES = [
  'auth',
  'secrets',
  'approvals',
  'queue-scheduler',
  'notifier',
  'job-poller',
] as const;
export type Service = (typeof SERVICES)[number];

export interface Route {
  /** A prefix of whole segments; `{…}` stands for any one segment. */
  readonly pattern: string;
  readonly service: Service;
  /** The answer may stay open for as long as the client likes (server-sent events, a followed log, a wait). */
  readonly streams: boolean;
}

const serve = (service: Service, ...patterns: readonly string[]): readonly Route[] =>
  patterns.map((pattern) => ({ pattern, service, streams: false }));
const stream = (service: Service, ...patterns: readonly string[]): readonly Route[] =>
  patterns.map((pattern) => ({ pattern, service, streams: true }));

/** Who answers what. The order does not matter: the most specific pattern wins. */
export const ROUTES: readonly Route[] = [
  ...serve(
    'auth',
    '/api/auth',
    '/api/users',
    '/api/orgs',
    '/api/quotas',
    '/api/audit',
    '/api/cloud/external-auth',
  ),
  ...serve('secrets', '/api/secrets', '/api/users/{id}/credentials'),
  ...serve('approvals', '/api/approvals'),
  ...serve('queue-scheduler', '/api/queue', '/api/cloud/{provider}/submit', '/api/cloud/jobs'),
  ...serve('queue-scheduler', '/api/cloud/{provider}/arrays', '/api/cloud/arrays'),
  ...serve('queue-scheduler', '/api/cloud/providers', '/api/cloud/metrics', '/jobs'),
  ...stream('queue-scheduler', '/api/events'),
  ...serve('notifier', '/api/cloud/notifications'),
  ...serve('job-poller', '/api/webhooks', '/api/cloud/providers/{provider}/discovered'),
  ...serve('job-poller', '/api/workers', '/api/admin/workers'),
  // Workers wait there for a task.
  ...stream('job-poller', '/api/cloud/jobs/{id}/logs', '/api/workers/take'),
  ...SERVICES.flatMap((service) => serve(service, `/api/system/dead-letters/${service}`)),
];

interface Node {
  readonly literal: Map<string, Node>;
  any?: Node;
  route?: Route;
}

const emptyNode = (): Node => ({ literal: new Map() });

function plant(root: Node, route: Route): void {
  let node = root;
  for (const segment of route.pattern.slice(1).split('/')) {
    if (segment.startsWith('{')) {
      node = node.any ??= emptyNode();
      continue;
    }
    let next = node.literal.get(segment);
    if (next === undefined) node.literal.set(segment, (next = emptyNode()));
    node = next;
  }
  if (node.route !== undefined) throw new Error(`${route.pattern} is in the table twice`);
  node.route = route;
}

function walk(node: Node, segments: readonly string[], at: number): Route | undefined {
  const segment = segments[at];
  if (segment === undefined || segment === '') return node.route;
  const literal = node.literal.get(segment);
  const found = literal && walk(literal, segments, at + 1);
  if (found !== undefined) return found;
  return (node.any && walk(node.any, segments, at + 1)) ?? node.route;
}

/** Makes the table into a lookup: a literal segment beats `{…}`, and a longer match beats a shorter one. */
export function router(routes: readonly Route[]): (path: string) => Route | undefined {
  const root = emptyNode();
  for (const route of routes) plant(root, route);
  return (path) => walk(root, path.slice(1).split('/'), 0);
}

export const routeOf = router(ROUTES);
