/** An error as the Kubernetes API tells it: a `Status` with its reason. */
export class KubernetesFault extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    /** The fields that are wrong. */
    readonly fields: readonly { readonly field: string; readonly message: string }[] = [],
  ) {
    super(message);
  }
}

export const badRequest = (message: string): KubernetesFault =>
  new KubernetesFault(400, 'BadRequest', message);
export const notFound = (resource: string, name: string): KubernetesFault =>
  new KubernetesFault(404, 'NotFound', `${resource} "${name}" not found`);

/** Where an object does not keep to the rules: each field with what is wrong with it. */
export const invalid = (name: string, field: string, message: string): KubernetesFault =>
  new KubernetesFault(422, 'Invalid', `Secret "${name}" is invalid: ${field}: ${message}`, [
    { field, message },
  ]);

export function statusOf(fault: KubernetesFault, about: { kind: string; name: string } | undefined): object {
  const { status, reason, message, fields } = fault;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    details: {
      ...about,
      ...(fields.length === 0
        ? {}
        : { causes: fields.map((one) => ({ reason: 'FieldValueInvalid', ...one })) }),
    },
    code: status,
  };
}
