import { WIRING, type EventDef } from '@lineclear/contracts';
import { z } from 'zod';
import { INTERNAL_FIELDS } from './message.js';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

/** What the data of an event looks like outside, as JSON Schema. Fields may be added to it, so it refuses none. */
export function dataSchemaOf(def: Pick<EventDef, 'data'>): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(def.data, {
    io: 'output',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  const { properties = {}, required = [] } = schema as ObjectSchema;
  const isTold = (field: string): boolean => !INTERNAL_FIELDS.includes(field);
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([field]) => isTold(field))),
    required: required.filter(isTold),
  };
}

/** The events that say which team's jobs they are about, where they are about a team's. */
export const TEAM_TYPES: ReadonlySet<string> = new Set(
  WIRING.notifier.consumes
    .filter((def) => 'team_id' in (dataSchemaOf(def)['properties'] as object))
    .map(({ name }) => name),
);
