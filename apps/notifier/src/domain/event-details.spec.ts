import { WIRING } from '@lineclear/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EVENT_TYPES } from './event-catalogue.js';
import { EVENT_DETAILS } from './event-details.js';
import { dataSchemaOf } from './event-schema.js';
import { INTERNAL_FIELDS } from './message.js';

const defOf = (type: string) => WIRING.notifier.consumes.find(({ name }) => name === type)!;

describe('the catalogue', () => {
  it('tells of every event that can be chosen, and of no other', () => {
    expect(Object.keys(EVENT_DETAILS).toSorted()).toEqual(EVENT_TYPES.toSorted());
  });

  it.each(Object.keys(EVENT_DETAILS))(
    'has an example of %s that its schema, and so its contract, takes',
    (type) => {
      const { description, example } = EVENT_DETAILS[type]!;
      const schema = dataSchemaOf(defOf(type));
      expect(description).toMatch(/^[A-Z].*\.$/);
      expect(z.fromJSONSchema(schema as never).parse(example)).toEqual(example);
      expect(z.fromJSONSchema(schema as never).safeParse({}).success).toBe(false);
      for (const field of INTERNAL_FIELDS) {
        expect(schema['properties']).not.toHaveProperty(field);
        expect(example).not.toHaveProperty(field);
      }
      // Nothing in the example that the contract does not know.
      const known = Object.keys(schema['properties'] as object);
      expect(Object.keys(example).filter((field) => !known.includes(field))).toEqual([]);
    },
  );

  it('leaves room for fields that are added later', () => {
    const { example } = EVENT_DETAILS['job.completed']!;
    const schema = dataSchemaOf(defOf('job.completed'));
    expect(z.fromJSONSchema(schema as never).safeParse({ ...example, added: 1 }).success).toBe(true);
    expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
  });
});
