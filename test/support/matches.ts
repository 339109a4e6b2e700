/** Evaluates the part of the query language that pagination uses. */
export function matches(row: object, query: object): boolean {
  return Object.entries(query).every(([field, condition]) => {
    const value = (row as Record<string, unknown>)[field];
    if (typeof condition !== "object" || condition === null) return value === condition;
    return Object.entries(condition as object).every(([operator, operand]) => {
      const [a, b] = [value as number, operand as number];
      return { $lt: a < b, $lte: a <= b, $gt: a > b, $gte: a >= b }[operator as "$lt"];
    });
  });
}
