/** JSON text goes through unchanged: only white space between tokens may go. */
import * as fc from 'fast-check';
import {
  duplicateKey,
  jsonElements,
  jsonMember,
  jsonMembers,
  jsonObject,
  minifyJson,
  nestedDuplicateKey,
} from '../../../src/contract/json.js';

/** White space that JSON allows between tokens. */
const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const indent = fc.oneof(fc.constantFrom(0, 1, 4), fc.constantFrom('\t', ' \n', '\r\n'));

/** Any JSON value as text, loosely written. */
const loose = fc
  .tuple(fc.jsonValue(), indent, space, space)
  .map(([value, gap, before, after]) => `${before}${JSON.stringify(value, null, gap)}${after}`);

/** A member as its author may write it: an escaped key, a number that no parser keeps, space around every token. */
const memberText = fc.record({
  key: fc.oneof(fc.string(), fc.constantFrom('a', '__proto__', '', '"', '\\')).map((key) => JSON.stringify(key)),
  value: fc.oneof(
    fc.json(),
    fc.constantFrom('12345678901234567890', '-0', '1.50', '1e400', '"\\u00e9\\/"', '{"a" : [ 1 ]}', '"}"', '"\\\\"'),
  ),
  space,
});

describe('minifyJson', () => {
  test('equals what JSON.stringify writes without white space', () => {
    fc.assert(fc.property(loose, (text) => expect(minifyJson(text)).toBe(JSON.stringify(JSON.parse(text)))));
  });

  test('leaves numbers, key order, duplicate keys, escapes and space in strings alone', () => {
    const text = '{"z":12345678901234567890,"a":1.50,"10":1e400,"2":"\\u00e9\\/ \\n\\" ","z":-0.0," é ":"\\\\"}';
    expect(minifyJson(text)).toBe(text);
    expect(minifyJson(` ${text.replaceAll(':', '\t:\r\n')} `)).toBe(text);
  });

  test.each([
    ['" "', '" "'],
    [' 1 ', '1'],
    [' [ ] ', '[]'],
    [' { } ', '{}'],
    ['[ "\u2028 \u00a0" ]', '["\u2028 \u00a0"]'],
  ])('%j becomes %j', (text, minified) => {
    expect(minifyJson(text)).toBe(minified);
  });
});

describe('jsonMembers and jsonObject', () => {
  test('put any object together again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), indent, (object, gap) => {
        const text = JSON.stringify(object, null, gap);
        const members = jsonMembers(text);
        expect(JSON.parse(jsonObject(members))).toEqual(JSON.parse(text));
        expect(members.map(({ key }) => key)).toEqual(Object.keys(object));
        expect(minifyJson(jsonObject(members))).toBe(JSON.stringify(object));
      }),
    );
  });

  test('slice every member exactly as it was written, whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.array(memberText), space, (written, gap) => {
        const members = written.map((member) =>
          [member.key, ':', member.value].map((token) => `${member.space}${token}${gap}`).join(''),
        );
        expect(jsonMembers(`${gap}{${gap}${members.join(',')}}${gap}`)).toEqual(
          written.map(({ key, value }) => ({ key: JSON.parse(key), keyText: key, value: value.trim() })),
        );
      }),
    );
  });

  test('keep duplicates, escaped keys and numbers beyond 2^53', () => {
    const text = '{"\\u0061":12345678901234567890,"a":-0.0,"a\\/b":"\\ud83d\\ude00","a":[1.50]}';
    expect(jsonMembers(text).map(({ key, value }) => [key, value])).toEqual([
      ['a', '12345678901234567890'],
      ['a', '-0.0'],
      ['a/b', '"\\ud83d\\ude00"'],
      ['a', '[1.50]'],
    ]);
    expect(jsonObject(jsonMembers(text))).toBe(text);
  });

  test('add members made of plain values', () => {
    const members = [jsonMember('type', 'a "b"'), { key: 'é"', value: '1e400' }, jsonMember('n', null)];
    expect(jsonObject(members)).toBe('{"type":"a \\"b\\"","é\\"":1e400,"n":null}');
    expect(jsonObject([])).toBe('{}');
    expect(jsonMembers(' { } ')).toEqual([]);
  });

  test('find the end of strings of backslashes and quotes', () => {
    const word = fc.string({ unit: fc.constantFrom('\\', '"', 'a', ',', '}') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        const texts = words.map((each) => JSON.stringify(each));
        expect(jsonElements(`[${texts.join(',')}]`)).toEqual(texts);
        expect(jsonMembers(`{${texts[0]}:${texts.at(-1)}}`)).toMatchObject([{ key: words[0], value: texts.at(-1) }]);
      }),
    );
  });

  test('take strings of millions of escapes', () => {
    const value = `"${'\\n'.repeat(5_000_000)}"`;
    const text = `{"a": ${value} , "b": [${value}]}`;
    // Compared as booleans, because a mismatch would print all of it.
    expect(jsonMembers(text).map((member) => member.value === value)).toEqual([true, false]);
    expect(minifyJson(text) === `{"a":${value},"b":[${value}]}`).toBe(true);
  });
});

describe('jsonElements', () => {
  test('slices every element exactly as it was written', () => {
    fc.assert(
      fc.property(fc.array(memberText), space, (written, gap) => {
        const text = `${gap}[${gap}${written.map((element) => `${gap}${element.value}${element.space}`).join(',')}]`;
        expect(jsonElements(text)).toEqual(written.map(({ value }) => value.trim()));
      }),
    );
  });

  test('is not misled by brackets and commas in strings', () => {
    expect(jsonElements('[ "],[" , {"]":[1,"}"]} ,[[]],12345678901234567890]')).toEqual([
      '"],["',
      '{"]":[1,"}"]}',
      '[[]]',
      '12345678901234567890',
    ]);
    expect(jsonElements(' [ ] ')).toEqual([]);
  });
});

describe('duplicateKey', () => {
  test.each([
    ['{}', undefined],
    ['{"a":1,"b":{"a":1}}', undefined],
    ['{"a":1,"b":2,"b":3,"a":4}', 'b'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"":1,"":2}', ''],
    ['{"__proto__":1,"constructor":2}', undefined],
  ])('of %s is %p', (text, key) => {
    expect(duplicateKey(jsonMembers(text))).toBe(key);
  });
});

describe('nestedDuplicateKey', () => {
  test.each([
    ['{}', undefined],
    ['"a"', undefined],
    ['[{"a":1},{"a":1}]', undefined],
    ['{"a":{"a":{"a":["a","a"]}},"b":"a"}', undefined],
    ['{"a":"b\\":{\\"a","c":"{\\"a\\":1,\\"a\\":2}"}', undefined],
    ['{"a":1,"b":{"c":1},"a":2}', 'a'],
    ['{"a":[0,{"b" : 1, "c":[{}],\n"b"\t: 2}]}', 'b'],
    ['{"a":{"b":1,"\\u0062":2}}', 'b'],
    ['[[{"":1,"":2}]]', ''],
    ['{"a":{"__proto__":1,"__proto__":2}}', '__proto__'],
  ])('of %s is %p', (text, key) => {
    expect(nestedDuplicateKey(text)).toBe(key);
  });

  test('is none of any value that was written by JSON.stringify', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(nestedDuplicateKey(text)).toBeUndefined()));
  });
});
