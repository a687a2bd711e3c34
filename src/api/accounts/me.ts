/** GET /v1/me: the caller's role and account. */
import { z } from 'zod';

import { addRoute, type Routing } from '../../http/route.js';

const meSchema = z
  .object({
    role: z.enum(['operator', 'account']),
    account: z
      .object({ id: z.string(), provider: z.string(), name: z.string() })
      .optional()
      .describe('The account that the key belongs to; absent for an operator.'),
  })
  .openapi('Me');

export function meRoutes(routing: Routing): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/me',
      tag: 'Access',
      summary: "Get the caller's role and account",
      forAccounts: true,
      responses: { status: 200, description: 'An operator or an account', schema: meSchema },
    },
    async ({ principal }) => {
      if (principal.role === 'operator') return { role: principal.role };
      const { id, provider, name } = principal.account;
      return { role: principal.role, account: { id, provider, name } };
    },
  );
}
