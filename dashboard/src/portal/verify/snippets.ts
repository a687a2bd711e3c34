/** Programs that verify a request, one for each language; a test runs them. */
import csharp from './snippets/verify.cs?raw';
import go from './snippets/verify.go?raw';
import java from './snippets/verify.java?raw';
import javascript from './snippets/verify.mjs?raw';
import php from './snippets/verify.php?raw';
import python from './snippets/verify.py?raw';
import ruby from './snippets/verify.rb?raw';
import rust from './snippets/verify.rs?raw';
import { withPrefix } from './scheme.js';

const SOURCES = {
  'JavaScript and TypeScript': javascript,
  Python: python,
  Go: go,
  Ruby: ruby,
  PHP: php,
  Java: java,
  'C#': csharp,
  Rust: rust,
} as const;

export type Language = keyof typeof SOURCES;

export const languages = Object.keys(SOURCES) as Language[];

/** The program of a language, for headers whose names begin with `prefix`. */
export function snippet(language: Language, prefix: string): string {
  return withPrefix(SOURCES[language], prefix).trimEnd();
}
