const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update'];

/** What kubectl asks first: which groups, versions and resources there are. */
export const DISCOVERY: Readonly<Record<string, object>> = {
  '/version': {
    major: '1',
    minor: '32',
    gitVersion: 'v1.32.0',
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '2025-01-01T00:00:00Z',
    goVersion: 'go1.23',
    compiler: 'gc',
    platform: 'linux/amd64',
  },
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      resource('namespaces', 'namespace', 'Namespace', { namespaced: false, shortNames: ['ns'] }),
      resource('secrets', 'secret', 'Secret', { namespaced: true }),
    ],
  },
};

function resource(
  name: string,
  singularName: string,
  kind: string,
  more: { readonly namespaced: boolean; readonly shortNames?: readonly string[] },
): object {
  return { name, singularName, kind, verbs: VERBS, ...more };
}
