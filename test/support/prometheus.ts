/** Parses Prometheus's text format. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  /** Families in sequence; a duplicate name occurs twice. */
  readonly families: readonly { readonly name: string; readonly type: string }[];
  readonly samples: readonly Sample[];
  /** The sum of all samples with this name and at least these labels; undefined without any. */
  value(name: string, labels?: Record<string, string>): number | undefined;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/y;

/** Parses a response of /metrics. Throws on a line that Prometheus would reject. */
export function readScrape(text: string): Scrape {
  const lines = text.split('\n').filter((line) => line !== '');
  const families = lines.flatMap((line) => {
    const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, type: type! }];
  });
  const samples = lines.filter((line) => !line.startsWith('#')).map(readSample);
  return {
    families,
    samples,
    value(name, labels = {}) {
      const wanted = Object.entries(labels);
      const found = samples.filter(
        (sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value),
      );
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

function readSample(line: string): Sample {
  const [, name, inner = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined || (Number.isNaN(Number(value)) && !/^([+-]Inf|Nan|NaN)$/.test(value)))
    throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < inner.length; at = LABEL.lastIndex) {
    const [, key, text] = LABEL.exec(inner) ?? [];
    if (key === undefined) throw new Error(`no labels: ${line}`);
    labels[key] = text!;
  }
  return { name, labels, value: value.endsWith('Inf') ? Infinity : Number(value) };
}
