import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeSlurmCall = 'submit' | 'jobs' | 'job' | 'delete' | 'pastJobs' | 'pastJob';

export interface FakeSlurmJob {
  readonly job_id: number;
  readonly name: string;
  user_name: string;
  job_state: string[];
  state_reason: string;
  exit_code: unknown;
  end_time: unknown;
  readonly submit_time: unknown;
  /** What was submitted, which no answer tells. */
  readonly given: Readonly<Record<string, unknown>>;
}

export interface FakeSlurm extends FakeHttp<FakeSlurmCall> {
  /** What the controller has, and what slurmdbd has. */
  readonly jobs: FakeSlurmJob[];
  readonly past: FakeSlurmJob[];
}

const OVER = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'NODE_FAIL', 'OUT_OF_MEMORY'];

/** Speaks the part of slurmrestd (v0.0.40) that is about jobs: errors have numbers, and some come with status 500. */
export async function startFakeSlurm(options: {
  readonly token: string;
  readonly userName: string;
  readonly version?: string;
}): Promise<FakeSlurm> {
  const { token, userName, version = 'v0.0.40' } = options;
  const jobs: FakeSlurmJob[] = [];
  const past: FakeSlurmJob[] = [];
  let made = 0;

  const answered = (body: object, status = 200): FakeAnswer => ({
    status,
    body: { meta: { plugin: {} }, errors: [], warnings: [], ...body },
  });
  const noSuchJob = (): FakeAnswer =>
    answered(
      {
        jobs: [],
        errors: [{ error_number: 2017, error: 'Invalid job id specified', source: 'slurm_load_job()' }],
      },
      500,
    );

  const submit = ({ body }: FakeRequest): FakeAnswer => {
    const { job } = body as { job: Record<string, unknown> & { name: string } };
    made += 1;
    const one: FakeSlurmJob = {
      job_id: made,
      name: job.name,
      user_name: userName,
      job_state: ['PENDING'],
      state_reason: 'None',
      exit_code: { status: ['PENDING'], return_code: { set: false, infinite: false, number: 0 } },
      end_time: { set: false, infinite: false, number: 0 },
      submit_time: { set: true, infinite: false, number: 1_795_000_000 },
      given: job,
    };
    jobs.push(one);
    past.push(one);
    return answered({ job_id: made, step_id: 'batch', job_submit_user_msg: '' });
  };

  const shown = (one: FakeSlurmJob): unknown => ({ ...one, given: undefined });
  const shownPast = ({ job_id, name, job_state, state_reason, exit_code }: FakeSlurmJob): unknown => ({
    job_id,
    name,
    state: { current: job_state, reason: state_reason },
    exit_code,
    time: { submission: 1_795_000_000, end: 1_795_000_600 },
  });

  const routeController = (request: FakeRequest, kind: string | undefined, id: string | undefined) => {
    const found = jobs.find(({ job_id }) => String(job_id) === id);
    const end = (): FakeAnswer => {
      if (!found) return noSuchJob();
      if (!found.job_state.some((state) => OVER.includes(state))) found.job_state = ['CANCELLED'];
      return answered({});
    };
    if (request.method === 'POST' && kind === 'job' && id === 'submit')
      return { call: 'submit' as const, answer: () => submit(request) };
    if (request.method === 'DELETE' && kind === 'job') return { call: 'delete' as const, answer: end };
    if (kind === 'jobs') return { call: 'jobs' as const, answer: () => answered({ jobs: jobs.map(shown) }) };
    if (kind !== 'job') return undefined;
    return { call: 'job' as const, answer: () => (found ? answered({ jobs: [shown(found)] }) : noSuchJob()) };
  };

  const route = (request: FakeRequest): FakeRoute<FakeSlurmCall> | undefined => {
    const [plugin, its, kind, id] = request.path;
    if (its !== version) return undefined;
    if (plugin === 'slurm') return routeController(request, kind, id);
    if (plugin !== 'slurmdb') return undefined;
    if (kind === 'job')
      return {
        call: 'pastJob',
        answer: () => answered({ jobs: past.filter(({ job_id }) => String(job_id) === id).map(shownPast) }),
      };
    const name = request.query.get('job_name');
    return {
      call: 'pastJobs',
      answer: () => answered({ jobs: past.filter((job) => job.name === name).map(shownPast) }),
    };
  };

  const fake = await startFakeHttp<FakeSlurmCall>({
    route,
    isAllowed: ({ headers }) =>
      headers['x-slurm-user-token'] === token && headers['x-slurm-user-name'] === userName,
  });
  return { ...fake, jobs, past };
}
