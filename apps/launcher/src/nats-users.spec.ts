import { expect, it } from 'vitest';
import { natsAuthorization } from './nats-users.js';

it('holds each service to its subjects, and gives the operator all', () => {
  const rules = { publish: { allow: ['$JS.API.>'] }, subscribe: { allow: ['_INBOX.>'] } };
  expect(natsAuthorization(['auth', 'notifier'], (user) => `${user}-password`, { auth: rules }))
    .toBe(`authorization {
  users: [
    { user: "operator", password: "operator-password" }
    { user: "auth", password: "auth-password", permissions: {"publish":{"allow":["$JS.API.>"]},"subscribe":{"allow":["_INBOX.>"]}} }
    { user: "notifier", password: "notifier-password" }
  ]
}`);
});
