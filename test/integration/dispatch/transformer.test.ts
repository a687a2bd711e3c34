/** The process that evaluates transformations: what an expression can and cannot do, and what it costs others. */
import { expressionProblem, MAX_EXPRESSION_LENGTH, Transformer } from '../../../src/dispatch/payload/transformer.js';

const transformer = new Transformer();
afterAll(() => transformer.stop());

const acme = { id: 'acc_1', dispatchWeight: 1 };
const other = { id: 'acc_2', dispatchWeight: 1 };
const input = '{"type":"invoice.paid","data":{"total":120,"items":[{"price":5},{"price":115}]}}';
const evaluate = (expression: string, account = acme) => transformer.evaluate(account, { expression, input });

const FOREVER = '($f := function() { $f() }; $f())';

test('gives JSON', async () => {
  expect(await evaluate('{"sum": $sum(data.items.price), "kind": type}')).toEqual({
    text: '{"sum":120,"kind":"invoice.paid"}',
  });
  expect(await evaluate('data.items[price > 10]')).toEqual({ text: '{"price":115}' });
  expect(await evaluate('null')).toEqual({ text: 'null' });
});

test.each<[string, string | RegExp]>([
  ['data.none', 'the expression gives no value'],
  ['$sum', 'the result has a function'],
  ['{"f": function($x) { $x }}', 'the result has a function'],
  ['1 / 0', 'the result has a number that is not finite'],
  ['$error("not this one")', 'not this one'],
  ['"a" + 1', /must evaluate to a number/],
  ['$pad("", 2000000, "x")', /more than 1048576 characters/],
  ['[0..9999999]', /sequence length/],
  // Removed although a name check alone would find it: the process does not have it either.
  ['$eval("1 + 1")', /non-function/],
  ['$process', 'the expression gives no value'],
  ['$require("node:fs")', /non-function/],
  ['$$.constructor.constructor("return process")()', 'the expression gives no value'],
])('%s fails', async (expression, error) => {
  const result = await evaluate(expression);
  expect(result).toMatchObject({ error: expect.stringMatching(error) });
});

test('ends what never ends, whether JSONata notices it or not, and continues with others', async () => {
  const results = await Promise.all([
    evaluate(FOREVER),
    evaluate('$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)'),
    evaluate('data.total', other),
    evaluate('data.total'),
  ]);
  expect(results).toEqual([
    { error: expect.stringMatching(/took longer than/), isTimeout: true },
    { error: expect.stringMatching(/took longer than/), isTimeout: true },
    { text: '120' },
    { text: '120' },
  ]);
});

test('survives an expression that takes all memory it can get', async () => {
  const growing =
    '($f := function($s, $n) { $n = 0 ? $length($uppercase($s)) : $f($uppercase($s & $s), $n - 1) }; $f("aaaaaaaa", 27))';
  for (const _ of [1, 2, 3]) expect((await evaluate(growing)).text).toBeUndefined();
  expect(await evaluate('data.total')).toEqual({ text: '120' });
});

test('suspends an expression that took too long three times in a row', async () => {
  const own = new Transformer();
  const ask = () => own.evaluate(acme, { expression: FOREVER, input });
  for (const _ of [1, 2, 3]) await ask();
  expect(await ask()).toEqual({
    error: expect.stringMatching(/3 times and is not tried/),
    isTimeout: true,
    isTransient: true,
  });
  expect(own.countOf(acme.id)).toBe(0);
  await own.stop();
});

test.each<[string, RegExp | undefined]>([
  ['data', undefined],
  ['$now()', undefined],
  ['data.', /must be a JSONata expression/],
  ['(data', /must be a JSONata expression: .*\(at character \d+\)/],
  ['data.{"a": [1, $eval("1")]}', /must not use \$eval/],
  ['$e := $eval', /must not use \$eval/],
  ['a'.repeat(MAX_EXPRESSION_LENGTH + 1), /longer than 8192/],
  ['('.repeat(8_000), /must be a JSONata expression/],
])('checks %.40s', (expression, problem) => {
  if (problem) expect(expressionProblem(expression)).toMatch(problem);
  else expect(expressionProblem(expression)).toBeUndefined();
});
