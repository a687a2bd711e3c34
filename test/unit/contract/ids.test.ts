/** Ids: TypeIDs by kind, sorted by time. */
import { idSuffix, idToUuid, isId, newId, uuidToId, type IdKind } from '../../../src/contract/ids.js';

const KINDS: readonly IdKind[] = ['acc', 'key', 'sub', 'evt', 'dlv'];
const SUFFIX = '01h455vb4pex5vsknk084sn02q';

test.each(KINDS)('a new %s id has its prefix and no other kind', (kind) => {
  const id = newId(kind);
  expect(id).toMatch(new RegExp(`^${kind}_[0-7][0-9a-hjkmnp-tv-z]{25}$`));
  expect(KINDS.filter((other) => isId(other, id))).toEqual([kind]);
  expect(newId(kind)).not.toBe(id);
});

test('ids sort by the time they were made', () => {
  const at = (time: string) => {
    jest.useFakeTimers({ now: new Date(time) });
    try {
      return newId('evt');
    } finally {
      jest.useRealTimers();
    }
  };
  const ids = ['2026-03-02T10:11:12.345Z', '2026-03-02T10:11:12.346Z', '2027-01-01T00:00:00Z'].map(at);
  expect([...ids].sort()).toEqual(ids);
});

test('ids hold a UUIDv7 and a suffix without a full stop', () => {
  expect(idToUuid(`evt_${SUFFIX}`)).toBe('01890a5d-ac96-774b-bcce-b302099a8057');
  expect(idToUuid(newId('dlv'))).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(idSuffix(`evt_${SUFFIX}`)).toBe(SUFFIX);
});

test('a UUID in upper or lower case leads back to its id, and nothing else to any', () => {
  expect(uuidToId('evt', '01890A5D-AC96-774B-bcce-b302099a8057')).toBe(`evt_${SUFFIX}`);
  for (const text of ['', 'nope', '01890a5dac96774bbcceb302099a8057', '01890a5d-ac96-774b-bcce-b302099a805g'])
    expect(uuidToId('evt', text)).toBeUndefined();
});

test.each([
  '',
  'evt',
  'evt_',
  SUFFIX,
  `_${SUFFIX}`,
  `sub_${SUFFIX}`,
  `EVT_${SUFFIX}`,
  `evt_${SUFFIX.toUpperCase()}`,
  `evt_${SUFFIX}0`,
  `evt_${SUFFIX.slice(1)}`,
  `evt_${SUFFIX} `,
  `evt_8${SUFFIX.slice(1)}`,
  `evt_${SUFFIX.slice(1)}l`,
  `evt_${SUFFIX}'; --`,
  'evt_\u0000',
])('%j is no id of an event', (text) => {
  expect(isId('evt', text)).toBe(false);
});
