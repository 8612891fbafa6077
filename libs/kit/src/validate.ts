import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { refuseUnstorable } from './body.js';
import { BadInput, type InputError } from './errors.js';

const MAX_ERRORS = 20;

/** Checks what `@Body({ schema })`, `@Query({ schema })` and `@Param({ schema })` receive; the handler sees valid data only. */
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const schema = metadata.schema as z.ZodType | undefined;
    if (schema === undefined) return value;
    if (metadata.type !== 'body') refuseUnstorable(value, metadata.data === undefined ? [] : [metadata.data]);
    return validate(schema, value ?? (metadata.type === 'body' ? {} : value), metadata.data);
  }
}

/** Parses `value` by `schema`. @throws BadInput with one entry per wrong or unknown field. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  root?: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): InputError[] => {
    const path = root === undefined ? issue.path : [root, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].map(String).join('.'),
        message: 'is not a known field',
      }));
    }
    return [{ path: path.map(String).join('.'), message: issue.message }];
  });
  throw new BadInput(errors.slice(0, MAX_ERRORS));
}
