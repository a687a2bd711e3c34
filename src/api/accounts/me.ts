/** Who a key belongs to, so that whoever signs in knows what there is to see. */
import { z } from 'zod';

import { addRoute, type Routing } from '../../http/route.js';

const meSchema = z
  .object({
    role: z.enum(['operator', 'account']),
    account: z
      .object({ id: z.string(), provider: z.string(), name: z.string() })
      .optional()
      .describe('The account whose key it is; absent for an operator.'),
  })
  .openapi('Me');

export function meRoutes(routing: Routing): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/me',
      tag: 'Access',
      summary: 'Say whose key this is',
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
