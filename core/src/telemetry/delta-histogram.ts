// A histogram whose counts come from elsewhere, already sorted into buckets: prom-client's own can only observe one value at a time.
import { Histogram, type HistogramConfiguration } from "prom-client";

interface Bucketed {
  /** One more than there are bounds; not cumulative. */
  counts: readonly number[];
  sum: number;
}

type Configuration<T extends string> = Omit<HistogramConfiguration<T>, "buckets"> & { buckets: readonly number[] };
type Labels<T extends string> = Partial<Record<T, string | number>>;

interface Row<T extends string> {
  labels: Labels<T>;
  counts: number[];
  sum: number;
}

export class DeltaHistogram<T extends string> extends Histogram<T> {
  readonly #configuration: Configuration<T>;
  /** An empty one of the library's own: what it says of itself beside its values. */
  readonly #frame: Histogram<T>;
  readonly #rows = new Map<string, Row<T>>();

  constructor(configuration: Configuration<T>) {
    super({ ...configuration, buckets: [...configuration.buckets] });
    this.#frame = new Histogram({ ...configuration, buckets: [...configuration.buckets], registers: [] });
    this.#configuration = configuration;
  }

  /** Throws when there are more or fewer counts than buckets. */
  add(labels: Labels<T>, { counts, sum }: Bucketed): void {
    const { buckets, name } = this.#configuration;
    if (counts.length !== buckets.length + 1) throw new Error(`${name} has other buckets`);
    const key = JSON.stringify(labels);
    const row = this.#rows.get(key) ?? { labels, counts: counts.map(() => 0), sum: 0 };
    this.#rows.set(key, row);
    for (const [index, count] of counts.entries()) row.counts[index] = (row.counts[index] ?? 0) + count;
    row.sum += sum;
  }

  override async get(): ReturnType<Histogram<T>["get"]> {
    const values = [...this.#rows.values()].flatMap((row) => this.#valuesOf(row));
    return { ...(await this.#frame.get()), values };
  }

  /** The text format is made of this one where it is there, and prom-client's own `get` of a histogram as well. */
  getForPromString(): ReturnType<Histogram<T>["get"]> {
    return this.get();
  }

  #valuesOf({ labels, counts, sum }: Row<T>) {
    const { name, buckets } = this.#configuration;
    let total = 0;
    const cumulative = counts.map((count, index) => {
      total += count;
      return { labels: { le: buckets[index] ?? "+Inf", ...labels }, value: total, metricName: `${name}_bucket` };
    });
    return [
      ...cumulative,
      { labels, value: sum, metricName: `${name}_sum` },
      { labels, value: total, metricName: `${name}_count` },
    ];
  }
}
