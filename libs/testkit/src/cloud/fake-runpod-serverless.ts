import { startFakeHttp, type FakeHttp, type FakeRequest, type FakeRoute } from './fake-http.js';

export type FakeRunpodServerlessCall = 'run' | 'status' | 'requests' | 'cancel';

/** A job in the queue of an endpoint, in the words of the API. */
export interface FakeRunpodJob {
  readonly id: string;
  status: string;
  input?: Record<string, unknown>;
  output?: unknown;
  error?: unknown;
}

export interface FakeRunpodServerless extends FakeHttp<FakeRunpodServerlessCall> {
  readonly jobs: FakeRunpodJob[];
  /** What was posted to /run. */
  readonly bodies: readonly unknown[];
}

const OVER = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT'];

/** Speaks what a serverless endpoint of RunPod answers to. */
export async function startFakeRunpodServerless(options: {
  readonly token: string;
  readonly endpointId: string;
}): Promise<FakeRunpodServerless> {
  const jobs: FakeRunpodJob[] = [];
  const bodies: unknown[] = [];

  const run = ({ body }: FakeRequest): FakeRunpodJob => {
    const { input = {} } = (body ?? {}) as { input?: Record<string, unknown> };
    bodies.push(body);
    const made: FakeRunpodJob = { id: `job-${bodies.length}-u1`, status: 'IN_QUEUE', input };
    jobs.push(made);
    return made;
  };

  const cancel = (found: FakeRunpodJob): void => {
    if (!OVER.includes(found.status)) found.status = 'CANCELLED';
  };

  const route = (request: FakeRequest): FakeRoute<FakeRunpodServerlessCall> | undefined => {
    const { method, path } = request;
    const [endpoint, operation, id] = path;
    if (endpoint !== options.endpointId) return undefined;
    const one = (change: (found: FakeRunpodJob) => void) => () => {
      const found = jobs.find((job) => job.id === id);
      if (!found) return { status: 404, body: { error: 'job not found' } };
      change(found);
      const { input: _, ...shown } = found;
      return { status: 200, body: { delayTime: 824, ...shown } };
    };
    switch (`${method} ${operation}`) {
      case 'POST run':
        return {
          call: 'run',
          answer: () => ({ status: 200, body: { id: run(request).id, status: 'IN_QUEUE' } }),
        };
      case 'GET status':
        return { call: 'status', answer: one(() => undefined) };
      case 'POST cancel':
        return { call: 'cancel', answer: one(cancel) };
      case 'GET requests':
        return { call: 'requests', answer: () => ({ status: 200, body: { requests: jobs } }) };
      default:
        return undefined;
    }
  };

  const fake = await startFakeHttp<FakeRunpodServerlessCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${options.token}`,
  });
  return { ...fake, jobs, bodies };
}
