import { planCapacity, type Demand } from '../../../../tools/capacity/plan.js';

const demand: Demand = {
  rate: 1_000,
  refused: 0.05,
  days: 30,
  workflowDays: 7,
  postgresCores: 32,
  postgresConnections: 1_000,
  postgresBytes: 100e12,
  poolSize: 10,
};

test('needs what the table of docs/deployment.md says', () => {
  expect(planCapacity(demand)).toMatchObject({
    installations: 1,
    workers: 2,
    apis: 2,
    temporalCores: 5,
    postgresCores: 1,
  });
  const { rows, postgresBytes } = planCapacity({ ...demand, days: 1 });
  expect(rows).toBe(86_400_000);
  expect(postgresBytes / 1e9).toBeCloseTo(172.8);
});

test.each([
  [{ postgresCores: 4 }, 'cores of PostgreSQL'],
  [{ postgresConnections: 110 }, 'connections of PostgreSQL'],
  [{ postgresBytes: 5e12 }, 'disk of PostgreSQL'],
])('says which part is full first with %j, and takes another installation from there on', (size, firstFull) => {
  const { fullAt, firstFull: found } = planCapacity({ ...demand, ...size });
  expect(found).toBe(firstFull);
  expect(planCapacity({ ...demand, ...size, rate: fullAt }).installations).toBe(1);
  expect(planCapacity({ ...demand, ...size, rate: fullAt + 1 }).installations).toBe(2);
});

test('no installation has more than its PostgreSQL allows', () => {
  const plan = planCapacity({ ...demand, rate: 100_000 });
  expect(plan.installations).toBeGreaterThan(1);
  expect(plan.postgresCores).toBeLessThanOrEqual(demand.postgresCores);
  expect(plan.connections).toBeLessThanOrEqual(demand.postgresConnections);
  expect(plan.postgresBytes).toBeLessThanOrEqual(demand.postgresBytes);
});
