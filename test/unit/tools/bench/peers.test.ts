import { readFileSync } from 'node:fs';
import { measures } from '../../../../tools/bench/report/measures.js';
import { layOutPeers, type Peers } from '../../../../tools/bench/report/peers.js';
import { makeReport } from '../../../../tools/bench/report/report.js';

const peers = JSON.parse(readFileSync('tools/bench/peers.json', 'utf8')) as Peers;
const names = measures.map(({ name }) => name);

test('every figure of a peer is of a measure of the bench', () => {
  for (const { figures } of peers.peers) {
    for (const [measure, figure] of Object.entries(figures)) {
      expect(names).toContain(measure);
      expect(figure).toBeGreaterThan(0);
    }
  }
});

test('no peer has two rows for the same machine', () => {
  const rows = peers.peers.map(({ name, machine }) => `${name}, ${machine}`);
  expect(new Set(rows).size).toBe(rows.length);
});

test('the table says where the figures are from and has a line per measure and peer', () => {
  const two: Peers = {
    note: 'From elsewhere.',
    peers: [
      { name: 'Other 1', machine: 'quiet', figures: { single_calls: 1_000, latency_p50: 5 } },
      { name: 'Another', machine: 'busy', figures: { single_calls: 400, batches: 1 } },
    ],
  };
  const report = makeReport(measures, [{ single_calls: 2_000, latency_p50: 4, raw_posts: 9 }]);
  expect(layOutPeers(report, two)!.split('\n')).toEqual([
    'From elsewhere.',
    '',
    'Measure        Here  Unit          Peer     Its machine  Its figure  Of peer',
    'single_calls  2,000  deliveries/s  Other 1  quiet             1,000      2 ×',
    'single_calls  2,000  deliveries/s  Another  busy                400      5 ×',
    'latency_p50       4  ms            Other 1  quiet                 5    0.8 ×',
  ]);
});

test('there is no table when no measure of this run has a figure of a peer', () => {
  expect(layOutPeers(makeReport(measures, [{ raw_posts: 9 }]), peers)).toBeUndefined();
});
