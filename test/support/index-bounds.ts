/** A query, and its order: fields, descending with a leading "-". */
export interface Asked {
  query: Record<string, unknown>;
  sort?: string[];
}

type Kind = "equal" | "several" | "range" | "other";

function kindOf(condition: unknown): Kind {
  if (condition === null || typeof condition !== "object") return "equal";
  const operators = Object.keys(condition);
  if (operators.length === 1 && operators[0] === "$in") return "several";
  const isRange = operators.length > 0 && operators.every((name) => /^\$(lt|gt)e?$/.test(name));
  return isRange ? "range" : "other";
}

/**
 * Why a query with a limit would read more documents than it returns, from an index with these ascending fields.
 * Empty when the index follows MongoDB's rule "equality, sort, range": the equal fields come first, then the
 * order; a range is on the first field that is not equal. A later field of the index is compared in its keys.
 */
export function faultsOf({ query, sort = [] }: Asked, index: string[]): string[] {
  const kinds = new Map(Object.entries(query).map(([field, one]) => [field, kindOf(one)]));
  const isEqual = (field: string) => kinds.get(field) === "equal";
  const order = sort.map((field) => field.replace(/^-/, "")).filter((field) => !isEqual(field));
  const scanned = index.filter((field) => !isEqual(field));
  // Several values are read one after another, so the order may begin with them.
  const several = scanned.filter((field) => kinds.get(field) === "several" && field !== order[0]);
  const faults: string[] = [];
  if (new Set(sort.map((field) => field.startsWith("-"))).size > 1)
    faults.push("orders in two directions");
  if (order.some((field, n) => scanned[n] !== field) || (order.length > 0 && several.length > 0))
    faults.push(`sorts by ${order.join()} in memory`);
  for (const [field, kind] of kinds)
    if (kind === "other" || !index.includes(field)) faults.push(`reads documents for ${field}`);
    else if (kind === "range" && field !== scanned[0])
      faults.push(`reads keys outside the range of ${field}`);
  if (isEqual(index[0]!) || scanned[0] === order[0] || kinds.has(index[0]!)) return faults;
  return [...faults, "reads the whole index"];
}
