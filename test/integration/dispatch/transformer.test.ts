import { Transformer } from '../../src/dispatch/payload/transformer.js';
const t = new Transformer();
afterAll(() => t.stop());
const owner = { id: 'a', dispatchWeight: 1 };
test('x', async () => {
  const ev = (expression: string, input: unknown = { data: { a: 1 } }) => t.evaluate(owner, { expression, input: JSON.stringify(input) });
  console.log(await ev('data.a + 1'), await ev('$eval("1")'), await ev('($f:=function(){$f()};$f())'), await ev('$match("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", /^(a+)+$/)'),
   await ev('($f := function($s,$n){$n=0 ? $length($uppercase($s)) : $f($s&$s,$n-1)}; $f("aaaaaaaa", 26))'), await ev('data.a'), await ev('$sum'), await ev('function($x){$x}'), await ev('1/0'));
});
