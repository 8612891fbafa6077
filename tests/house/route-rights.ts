import { SERVICES, type Permission } from '@lineclear/contracts';

/**
 * Who is let into a route: anybody at all; anybody who is known; of these, who can do all that their person can (a key with a
 * scope cannot); or the holders of any of these permissions.
 */
export type Right = 'public' | 'anyone' | 'unscoped' | readonly Permission[];

const seesJobs: Right = ['job.view.own'];
const approves: Right = ['admin.approve'];
const configures: Right = ['admin.config'];
const managesPeople: Right = ['admin.users'];

/**
 * Every route of every service and whom it lets in. Where it says `anyone`, what a caller sees or may change is a question of
 * whose it is: what belongs to others is "not found".
 */
export const RIGHTS: Readonly<Record<string, Right>> = {
  'GET /api/approvals/conditions': approves,
  'GET /api/approvals/me': seesJobs,
  'GET /api/approvals/requests': approves,
  'GET /api/approvals/requests/job/{job_id}': 'anyone',
  'GET /api/approvals/requests/pending/count': approves,
  'GET /api/approvals/requests/{id}': 'anyone',
  'POST /api/approvals/requests/{id}/approve': approves,
  'POST /api/approvals/requests/{id}/cancel': 'anyone',
  'POST /api/approvals/requests/{id}/reject': approves,
  'GET /api/approvals/rules': approves,
  'POST /api/approvals/rules': configures,
  'GET /api/approvals/rules/{id}': approves,
  'PATCH /api/approvals/rules/{id}': configures,
  'DELETE /api/approvals/rules/{id}': configures,

  'GET /api/auth/api-keys': 'anyone',
  'POST /api/auth/api-keys': 'anyone',
  'DELETE /api/auth/api-keys/{id}': 'anyone',
  'PATCH /api/auth/api-keys/{id}': 'anyone',
  'POST /api/auth/api-keys/{id}/rotate': 'anyone',
  'GET /api/auth/sessions': 'anyone',
  'DELETE /api/auth/sessions': 'unscoped',
  'DELETE /api/auth/sessions/{id}': 'unscoped',
  'POST /api/auth/change-password': 'anyone',
  'GET /api/auth/check': 'public',
  'POST /api/auth/login': 'public',
  'POST /api/auth/logout': 'anyone',
  'GET /api/auth/me': 'anyone',
  'POST /api/auth/setup/first-admin': 'public',
  'GET /api/auth/password-reset': 'public',
  'POST /api/auth/password-reset': 'public',
  'POST /api/auth/password-reset/complete': 'public',
  'GET /api/auth/setup/status': 'public',
  'GET /api/users': managesPeople,
  'POST /api/users': managesPeople,
  'GET /api/users/me': 'anyone',
  'GET /api/users/meta/levels': managesPeople,
  'GET /api/users/meta/permissions': managesPeople,
  'GET /api/users/{id}': managesPeople,
  'PATCH /api/users/{id}': managesPeople,
  'DELETE /api/users/{id}': managesPeople,
  'GET /api/users/{id}/api-keys': managesPeople,
  'POST /api/users/{id}/api-keys': managesPeople,
  'GET /api/users/{id}/sessions': managesPeople,
  'DELETE /api/users/{id}/sessions': managesPeople,
  'GET /api/users/{id}/permissions': managesPeople,
  'POST /api/users/{id}/permissions': managesPeople,
  'DELETE /api/users/{id}/permissions/{name}': managesPeople,

  'GET /api/users/resource-rules': managesPeople,
  'POST /api/users/resource-rules': managesPeople,
  'POST /api/users/resource-rules/explain': 'anyone',
  'GET /api/users/resource-rules/{id}': managesPeople,
  'PUT /api/users/resource-rules/{id}': managesPeople,
  'DELETE /api/users/resource-rules/{id}': managesPeople,
  'POST /api/users/{id}/levels': managesPeople,
  'POST /api/users/levels': managesPeople,
  'GET /api/users/levels/{name}': managesPeople,
  'PUT /api/users/levels/{name}': managesPeople,
  'DELETE /api/users/levels/{name}': managesPeople,
  'PUT /api/users/levels/{name}/permissions': managesPeople,
  'GET /api/users/levels/{name}/rules': managesPeople,
  'PUT /api/users/levels/{name}/rules': managesPeople,
  'POST /api/users/levels/{name}/rules/{rule}': managesPeople,
  'DELETE /api/users/levels/{name}/rules/{rule}': managesPeople,
  'GET /api/cloud/external-auth/available': 'public',
  'GET /api/cloud/external-auth/oidc/start': 'public',
  'GET /api/cloud/external-auth/oidc/callback': 'public',
  'POST /api/cloud/external-auth/oidc/backchannel-logout/{name}': 'public',
  'POST /api/cloud/external-auth/ldap/login': 'public',
  'GET /api/cloud/external-auth/providers': configures,
  'POST /api/cloud/external-auth/providers': configures,
  'GET /api/cloud/external-auth/providers/{name}': configures,
  'PATCH /api/cloud/external-auth/providers/{name}': configures,
  'DELETE /api/cloud/external-auth/providers/{name}': configures,
  'POST /api/cloud/external-auth/providers/{name}/test': configures,

  'GET /api/cloud/health': 'public',
  'GET /api/cloud/health/live': 'public',
  'GET /api/cloud/health/ready': 'public',
  'GET /api/cloud/metrics/prometheus': 'anyone',
  'POST /api/cloud/{provider}/submit': ['job.submit'],
  'GET /api/cloud/jobs': seesJobs,
  'GET /api/cloud/jobs/{id}': seesJobs,
  'POST /api/cloud/jobs/{id}/cancel': 'anyone',
  'GET /api/cloud/jobs/{id}/logs': 'anyone',
  'GET /api/cloud/jobs/{id}/logs/stream': 'anyone',
  'GET /api/cloud/jobs/{id}/timeline': seesJobs,
  'GET /api/cloud/providers': ['config.view'],
  'GET /api/cloud/providers/{provider}/config': configures,
  'PUT /api/cloud/providers/{provider}/config': configures,
  'GET /api/events': seesJobs,
  'GET /api/queue': seesJobs,
  'GET /api/queue/concurrency': seesJobs,
  'POST /api/queue/concurrency': ['queue.manage'],
  'GET /api/queue/me': seesJobs,
  'GET /api/queue/stats': ['job.view.all'],
  'POST /api/queue/{job}/cancel': 'anyone',

  'GET /api/cloud/notifications/channels': configures,
  'POST /api/cloud/notifications/channels': configures,
  'GET /api/cloud/notifications/channels/{id}': configures,
  'PATCH /api/cloud/notifications/channels/{id}': configures,
  'DELETE /api/cloud/notifications/channels/{id}': configures,
  'POST /api/cloud/notifications/channels/{id}/test': configures,
  'POST /api/cloud/notifications/deliveries/{id}/resend': configures,
  'GET /api/cloud/notifications/events': configures,
  'GET /api/cloud/notifications/history': configures,
  'GET /api/cloud/notifications/preferences': configures,
  'POST /api/cloud/notifications/preferences': configures,
  'GET /api/cloud/notifications/preferences/{id}': configures,
  'PATCH /api/cloud/notifications/preferences/{id}': configures,
  'DELETE /api/cloud/notifications/preferences/{id}': configures,
  'GET /api/cloud/notifications/presets': configures,
  'GET /api/cloud/notifications/status': configures,

  'GET /api/secrets': configures,
  'POST /api/secrets': 'anyone',
  'GET /api/secrets/{name}': configures,
  'DELETE /api/secrets/{name}': configures,
  'GET /api/secrets/{name}/explain': configures,

  ...Object.fromEntries(
    SERVICES.flatMap((service) =>
      ['GET ', 'DELETE ', 'POST '].map((method) => {
        const path = `/api/system/dead-letters/${service}`;
        const letter = method === 'GET ' ? '' : method === 'POST ' ? '/{id}/replay' : '/{id}';
        return [`${method}${path}${letter}`, configures];
      }),
    ),
  ),
};
