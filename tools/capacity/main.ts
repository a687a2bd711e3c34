/** `npm run capacity`: what rates of deliveries need, as a table. */
import { Command } from 'commander';
import { positive, wholeNumber } from '#src/cli/arguments.js';
import { table } from '#src/cli/output.js';
import { planCapacity, type Demand } from './plan.js';

const TERABYTE = 1e12;
const RATES = [100, 1_000, 10_000, 30_000, 100_000];

interface Options extends Omit<Demand, 'rate' | 'refused' | 'postgresBytes'> {
  readonly rate?: number;
  readonly refusedPercent: number;
  readonly postgresTerabytes: number;
}

const options = new Command('capacity')
  .description('Calculate what a rate of deliveries needs, from the measured cost of one')
  .option('--rate <number>', `deliveries per second; by default ${RATES.join(', ')}`, wholeNumber())
  .option('--refused-percent <number>', 'percentage of them whose first attempt is refused', positive, 5)
  .option('--days <number>', 'days for which deliveries are kept', wholeNumber(), 30)
  .option('--workflow-days <number>', 'days for which Temporal keeps workflows', wholeNumber(), 7)
  .option('--postgres-cores <number>', 'cores of the largest PostgreSQL', wholeNumber(), 32)
  .option('--postgres-connections <number>', 'connections of the largest PostgreSQL', wholeNumber(), 1_000)
  .option('--postgres-terabytes <number>', 'disk of the largest PostgreSQL', positive, 100)
  .option('--pool-size <number>', 'PIGEONPOST_DATABASE_CONNECTIONS of each process', wholeNumber(), 10)
  .parse()
  .opts<Options>();

const rows = (options.rate === undefined ? RATES : [options.rate]).map((rate) => {
  const refused = options.refusedPercent / 100;
  const plan = planCapacity({ ...options, rate, refused, postgresBytes: options.postgresTerabytes * TERABYTE });
  const terabytes = (bytes: number): string => (bytes / TERABYTE).toPrecision(2);
  return [
    rate,
    plan.installations,
    `${plan.workers} + ${plan.apis}`,
    plan.temporalCores,
    terabytes(plan.temporalBytes),
    plan.postgresCores,
    plan.connections,
    `${(plan.rows / 1e9).toPrecision(2)} billion`,
    terabytes(plan.postgresBytes),
    `${plan.firstFull}, at ${plan.fullAt}/s`,
  ];
});
const perInstallation = ['Workers + APIs', 'Temporal cores', 'TB', 'PostgreSQL cores', 'Connections', 'Rows', 'TB'];
console.log(table(['Deliveries/s', 'Installations', ...perInstallation, 'Full first'], rows));
