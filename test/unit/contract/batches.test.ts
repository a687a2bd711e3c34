/** Batches: which deliveries become members, and the form of the body. */
import * as fc from 'fast-check';
import { chooseMembers, joinBatches, renderBatchOfOne, type Candidate } from '../../../src/contract/batches.js';
import type { Event } from '../../../src/contract/entities.js';
import '../../support/properties.js';

const candidates = fc.array(
  fc.record({
    bytes: fc.integer({ min: 1, max: 40 }),
    state: fc.constantFrom('ready', 'ready', 'ready', 'alone', 'ended'),
  }),
  { maxLength: 30 },
);

test('every delivery that waits is sent once, in its sequence, and within the limits', () => {
  fc.assert(
    fc.property(
      candidates,
      fc.integer({ min: 2, max: 6 }),
      fc.integer({ min: 20, max: 60 }),
      (given, maxEvents, maxBytes) => {
        const all = given.map((each, n): Candidate => ({ ...each, deliveryId: `dlv_${n}` }));
        const sent: Candidate[] = [];
        let waiting: readonly Candidate[] = all;
        while (waiting.length > 0) {
          const page = waiting.slice(0, maxEvents);
          const { members, alone, consumed, isNextDue } = chooseMembers(page, { maxEvents, maxBytes });
          expect(consumed).toBeGreaterThan(0);
          expect(members.length).toBeLessThanOrEqual(maxEvents);
          const bytes = members.reduce((sum, member) => sum + member.bytes, 0);
          expect(members.length === 1 || bytes <= maxBytes).toBe(true);
          const next = waiting[consumed];
          if (isNextDue && alone.length === 0)
            expect(next!.state === 'alone' || bytes + next!.bytes > maxBytes).toBe(true);
          sent.push(...members, ...alone);
          waiting = waiting.slice(consumed);
        }
        expect(sent).toEqual(all.filter(({ state }) => state !== 'ended'));
      },
    ),
  );
});

const event = (n: number, text: string): Event => ({
  id: `evt_${n}`,
  type: 'user.created',
  occurredAt: new Date(Date.UTC(2026, 10, n)),
  channels: [],
  text,
  data: JSON.parse(text) as unknown,
});

test('a batch has the events of its parts, each exactly as it was sent', () => {
  const texts = ['{"b":1.0,"a":"]}"}', '[["x"],{"data":[]}]', '"[{]}"', '{"é":"💶"}'];
  const parts = texts.map((text, n) => renderBatchOfOne(`msg_${n}`, event(n + 1, text)));
  expect(parts[0]).toBe(
    '{"type":"batch","timestamp":"2026-11-01T00:00:00.000Z","data":[{"id":"msg_0","type":"user.created",' +
      '"timestamp":"2026-11-01T00:00:00.000Z","data":{"b":1.0,"a":"]}"}}]}',
  );
  const batch = joinBatches(parts, new Date(Date.UTC(2026, 10, 30)));
  for (const text of texts) expect(batch).toContain(`"data":${text}}`);
  expect(JSON.parse(batch)).toEqual({
    type: 'batch',
    timestamp: '2026-11-30T00:00:00.000Z',
    data: texts.map((text, n) => ({
      id: `msg_${n}`,
      type: 'user.created',
      timestamp: event(n + 1, text).occurredAt.toISOString(),
      data: JSON.parse(text),
    })),
  });
  // What is joined can be joined again.
  expect(joinBatches([batch], new Date(Date.UTC(2026, 10, 30)))).toBe(batch);
});
