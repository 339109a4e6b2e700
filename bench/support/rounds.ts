/** All contestants in turn, round after round: what the machine does meanwhile, it does to all of them. */

/** By contestant, a measure per round. The first round warms up and is not counted. */
export async function rounds<C, M>(
  contestants: C[],
  count: number,
  measure: (contestant: C, round: number) => Promise<M>,
): Promise<Map<C, M[]>> {
  const measures = new Map<C, M[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round <= count; round++)
    for (const contestant of contestants) {
      const measured = await measure(contestant, round);
      if (round > 0) measures.get(contestant)!.push(measured);
    }
  return measures;
}
