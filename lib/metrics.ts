/** A label set; the names are fixed by the metric. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

export interface Counter<L extends string> {
  /** @param by not negative; 1 unless told */
  inc(labels: Labels<L>, by?: number): void;
}

export interface Gauge<L extends string> {
  set(labels: Labels<L>, value: number): void;
}

export interface Histogram<L extends string> {
  observe(labels: Labels<L>, value: number): void;
}

interface Description<L extends string> {
  name: string;
  help: string;
  labels?: readonly L[];
}

type Sample = readonly [suffix: string, labels: string, value: number];

interface Family {
  name: string;
  type: "counter" | "gauge" | "histogram";
  help: string;
  samples(): Iterable<Sample>;
}

/**
 * Metrics in the text format of Prometheus, version 0.0.4. Labels come from closed sets and from ids of the
 * operator's: never a key, never an address of a client.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Registry {
  readonly #families = new Map<string, Family>();

  counter<L extends string = never>(description: Description<L>): Counter<L> {
    const { add } = this.#plain("counter", description);
    return { inc: (labels, by = 1) => add(labels, (before) => before + by) };
  }

  gauge<L extends string = never>(description: Description<L>): Gauge<L> {
    const { add } = this.#plain("gauge", description);
    return { set: (labels, value) => add(labels, () => value) };
  }

  /** @param buckets upper bounds, ascending; the one of infinity is added */
  histogram<L extends string = never>(
    description: Description<L> & { buckets: readonly number[] },
  ): Histogram<L> {
    const { name, help, labels = [], buckets } = description;
    interface Series {
      labels: Readonly<Record<string, string>>;
      counts: number[];
      sum: number;
    }
    const all = new Map<string, Series>();
    const empty = () => [...buckets, Infinity].map(() => 0);
    if (labels.length === 0) all.set("", { labels: {}, counts: empty(), sum: 0 });
    this.#register({
      name,
      type: "histogram",
      help,
      *samples() {
        for (const [rendered, { labels: of, counts, sum }] of all) {
          let below = 0;
          for (const [index, count] of counts.entries()) {
            below += count;
            const le = buckets[index] ?? Infinity;
            yield ["_bucket", render([...labels, "le"], { ...of, le: number(le) }), below];
          }
          yield ["_sum", rendered, sum];
          yield ["_count", rendered, below];
        }
      },
    });
    const seriesOf = (of: Labels<L>): Series => {
      const key = render(labels, of);
      const found = all.get(key) ?? { labels: of, counts: empty(), sum: 0 };
      all.set(key, found);
      return found;
    };
    return {
      observe(of, value) {
        const series = seriesOf(of);
        const index = buckets.findIndex((bound) => value <= bound);
        const at = index < 0 ? buckets.length : index;
        series.counts[at] = (series.counts[at] ?? 0) + 1;
        series.sum += value;
      },
    };
  }

  render(): string {
    const lines: string[] = [];
    for (const { name, type, help, samples } of this.#families.values()) {
      lines.push(`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`);
      lines.push(`# TYPE ${name} ${type}`);
      for (const [suffix, labels, value] of samples()) {
        lines.push(`${name}${suffix}${labels} ${number(value)}`);
      }
    }
    return lines.map((line) => `${line}\n`).join("");
  }

  #plain<L extends string>(
    type: "counter" | "gauge",
    { name, help, labels = [] }: Description<L>,
  ) {
    const values = new Map<string, number>();
    // What has no labels is there from the start: a counter that appears with its first event hides it.
    if (labels.length === 0) values.set("", 0);
    this.#register({
      name,
      type,
      help,
      *samples() {
        for (const [rendered, value] of values) yield ["", rendered, value];
      },
    });
    return {
      add(of: Labels<L>, change: (before: number) => number) {
        const key = render(labels, of);
        values.set(key, change(values.get(key) ?? 0));
      },
    };
  }

  #register(family: Family): void {
    if (this.#families.has(family.name)) throw new RangeError(`${family.name} is there already`);
    this.#families.set(family.name, family);
  }
}

function render(names: readonly string[], labels: Readonly<Record<string, string>>): string {
  if (names.length === 0) return "";
  let text = "{";
  for (const name of names) {
    text += `${text === "{" ? "" : ","}${name}="${escape(labels[name] ?? "")}"`;
  }
  return `${text}}`;
}

function escape(value: string): string {
  // Hardly ever: labels come from closed sets.
  if (!/[\\"\n]/.test(value)) return value;
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
