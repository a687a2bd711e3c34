/** Prometheus's text format, read. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  /** Families in the order they were told; a name that is told twice is here twice. */
  readonly families: readonly { readonly name: string; readonly type: string }[];
  readonly samples: readonly Sample[];
  /** The sum of all samples of this name with these labels, among others; undefined when there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/y;

/** Reads an answer of /metrics. Throws where a line is in no form that Prometheus takes. */
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
