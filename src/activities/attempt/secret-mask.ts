/**
 * Masks many secrets in a text in one pass (Aho and Corasick, "Efficient string matching", 1975): the work is the length
 * of the secrets, once, and that of each text, however many secrets there are.
 */

/** Stands in for every run of characters that belong to a secret. */
export const MASK = '***';

/** What the characters of secrets may come to together; far above what receivers accept of headers. */
export const MAX_SECRET_CHARS = 64 * 1024;

/** Distinguishes UTF-16 code units of one state from those of another. */
const CODE_UNITS = 0x1_0000;
const ROOT = 0;

/** Masks in a text whatever belongs to one of these secrets, none of which may be empty. */
export function createSecretMask(secrets: readonly string[]): (text: string) => string {
  if (secrets.length === 0) return (text) => text;
  if (areTooLong(secrets)) return maskAll;
  const automaton = new Automaton(secrets);
  return (text) => withoutRuns(text, automaton.runsIn(text));
}

/** Whether these secrets are more than is looked for; then nothing can be shown to be free of them. */
export function areTooLong(secrets: readonly string[]): boolean {
  return secrets.reduce((sum, { length }) => sum + length, 0) > MAX_SECRET_CHARS;
}

/** Masks a text whole. */
export function maskAll(text: string): string {
  return text === '' ? text : MASK;
}

/** From its first character to the one after its last. */
type Run = [start: number, end: number];

/** A tree of the secrets' beginnings; each state is the longest one that the text read so far ends with. */
class Automaton {
  readonly #next = new Map<number, number>();
  /** By state: the state of the longest beginning that it ends with, itself left out. */
  readonly #fallback: number[] = [ROOT];
  /** By state: the length of the longest secret that it ends with, or 0. */
  readonly #matched: number[] = [0];

  constructor(secrets: readonly string[]) {
    const edges: (readonly [from: number, code: number])[] = [[ROOT, -1]];
    const depths = [0];
    for (const secret of secrets) {
      let state = ROOT;
      for (let at = 0; at < secret.length; at += 1) {
        const code = secret.charCodeAt(at);
        const known = this.#next.get(state * CODE_UNITS + code);
        if (known === undefined) {
          const added = edges.push([state, code]) - 1;
          this.#next.set(state * CODE_UNITS + code, added);
          depths[added] = at + 1;
          this.#fallback[added] = ROOT;
          this.#matched[added] = 0;
        }
        state = known ?? edges.length - 1;
      }
      this.#matched[state] = secret.length;
    }
    // The shorter ones first, as those that are longer fall back to them.
    const states = depths.map((_, state) => state).sort((one, other) => depths[one]! - depths[other]!);
    for (const state of states) {
      const [from, code] = edges[state]!;
      if (from !== ROOT) this.#fallback[state] = this.#step(this.#fallback[from]!, code);
      this.#matched[state] ||= this.#matched[this.#fallback[state]!]!;
    }
  }

  /** What belongs to secrets, in order and apart from each other. */
  runsIn(text: string): Run[] {
    const runs: Run[] = [];
    let state = ROOT;
    for (let at = 0; at < text.length; at += 1) {
      state = this.#step(state, text.charCodeAt(at));
      const length = this.#matched[state]!;
      if (length === 0) continue;
      const end = at + 1;
      let start = end - length;
      for (let last = runs.at(-1); last && last[1] >= start; last = runs.at(-1)) {
        start = Math.min(start, last[0]);
        runs.pop();
      }
      runs.push([start, end]);
    }
    return runs;
  }

  #step(from: number, code: number): number {
    let state = from;
    for (;;) {
      const next = this.#next.get(state * CODE_UNITS + code);
      if (next !== undefined) return next;
      if (state === ROOT) return ROOT;
      state = this.#fallback[state]!;
    }
  }
}

function withoutRuns(text: string, runs: readonly Run[]): string {
  let masked = '';
  let at = 0;
  for (const [start, end] of runs) {
    masked += text.slice(at, start) + MASK;
    at = end;
  }
  return masked + text.slice(at);
}
