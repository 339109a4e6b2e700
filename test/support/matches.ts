/** Evaluates the part of the query language that pagination uses. */
export function matches(row: Record<string, unknown>, query: object): boolean {
  return Object.entries(query).every(([field, condition]) => {
    if (field === "$or") return (condition as object[]).some((part) => matches(row, part));
    return Object.entries(condition as object).every(([operator, value]) => {
      const [a, b] = [row[field] as number, value as number];
      return { $lt: a < b, $lte: a <= b, $gt: a > b, $gte: a >= b }[operator as "$lt"];
    });
  });
}
