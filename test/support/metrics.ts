/** One sample of Prometheus's text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const line = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;

/** The metrics of a node: the type of each by its name, and all samples. Throws for a line that is not of the format. */
export async function metricsAt(url: string) {
  const response = await fetch(url);
  const text = await response.text();
  const types = Object.fromEntries(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]),
  );
  const samples = text
    .split("\n")
    .filter((one) => one && !one.startsWith("#"))
    .map((one): Sample => {
      const [, name, labels = "", value] = line.exec(one) ?? [];
      if (!name || Number.isNaN(Number(value))) throw new Error(`Not a sample: ${one}`);
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, of]) => [key!, of!]);
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
  /** The sum of the samples with this name and these labels. */
  const valueOf = (name: string, labels: Record<string, string> = {}) =>
    samples
      .filter((one) => one.name === name)
      .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .reduce((sum, { value }) => sum + value, 0);
  return { types, samples, text, valueOf, type: response.headers.get("content-type") };
}
