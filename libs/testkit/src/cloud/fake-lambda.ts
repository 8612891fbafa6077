import {
  startFakeHttp,
  type FakeAnswer,
  type FakeHttp,
  type FakeRequest,
  type FakeRoute,
} from './fake-http.js';

export type FakeLambdaCall = 'launch' | 'instances' | 'terminate' | 'types';

/** An instance, in the words of the API. */
export interface FakeLambdaInstance {
  readonly id: string;
  name: string;
  status: string;
  /** Not in any answer: what it was launched with. */
  readonly body: Record<string, unknown>;
}

export interface FakeLambda extends FakeHttp<FakeLambdaCall> {
  readonly instances: FakeLambdaInstance[];
}

const TYPES = { gpu_1x_a10: 75, gpu_8x_h100_sxm5: 2_392, cpu_4x_general: 8 };
const GPUS = /^gpu_(\d+)x/;

/** Speaks what Lambda Cloud says of instances. */
export async function startFakeLambda(options: { readonly token: string }): Promise<FakeLambda> {
  const instances: FakeLambdaInstance[] = [];

  const launch = ({ body }: FakeRequest): FakeAnswer => {
    const wanted = body as { name: string };
    const id = `0920582c${String(instances.length).padStart(24, '0')}`;
    instances.push({ id, name: wanted.name, status: 'booting', body: { ...wanted } });
    return { status: 200, body: { data: { instance_ids: [id] } } };
  };

  const terminate = ({ body }: FakeRequest): FakeAnswer => {
    const ids = (body as { instance_ids: string[] }).instance_ids;
    const found = instances.filter(({ id }) => ids.includes(id));
    if (found.length < ids.length) return refused(404, 'global/object-does-not-exist');
    for (const one of found) one.status = 'terminated';
    return { status: 200, body: { data: { terminated_instances: found.map(shown) } } };
  };

  const route = (request: FakeRequest): FakeRoute<FakeLambdaCall> | undefined => {
    switch (`${request.method} ${request.path.join('/')}`) {
      case 'POST instance-operations/launch':
        return { call: 'launch', answer: () => launch(request) };
      case 'POST instance-operations/terminate':
        return { call: 'terminate', answer: () => terminate(request) };
      case 'GET instances':
        return { call: 'instances', answer: () => ({ status: 200, body: { data: instances.map(shown) } }) };
      case 'GET instance-types':
        return { call: 'types', answer: () => ({ status: 200, body: { data: types() } }) };
      default:
        return undefined;
    }
  };

  const fake = await startFakeHttp<FakeLambdaCall>({
    route,
    isAllowed: ({ headers }) => headers.authorization === `Bearer ${options.token}`,
  });
  return { ...fake, instances };
}

const shown = ({ body, ...one }: FakeLambdaInstance): unknown => ({
  ...one,
  ip: '198.51.100.2',
  region: { name: body['region_name'], description: 'Virginia, USA' },
  instance_type: { name: body['instance_type_name'] },
  tags: body['tags'],
});

const refused = (status: number, code: string): FakeAnswer => ({
  status,
  body: { error: { code, message: 'Specified instance does not exist.', suggestion: null } },
});

const types = (): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(TYPES).map(([name, price_cents_per_hour]) => [
      name,
      {
        instance_type: {
          name,
          price_cents_per_hour,
          specs: { vcpus: 30, gpus: Number(GPUS.exec(name)?.[1] ?? 0) },
        },
        regions_with_capacity_available: [],
      },
    ]),
  );
