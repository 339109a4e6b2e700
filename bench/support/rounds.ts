/** All contestants in turn, round after round: what the machine does meanwhile, it does to all of them. */

/** So many are counted. */
const counted = 5;

/** Of each contestant a measure per round. Round 0 warms up and is not counted. */
export async function rounds<C, M>(
  contestants: C[],
  measure: (contestant: C, round: number) => Promise<M>,
): Promise<Map<C, M[]>> {
  const measures = new Map<C, M[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round <= counted; round++)
    for (const contestant of contestants) {
      const measured = await measure(contestant, round);
      if (round > 0) measures.get(contestant)!.push(measured);
    }
  return measures;
}

/** What the load itself took of a core, at most: near one, it is the load that was measured. */
export function noteOfLoad(measures: Map<unknown, { cpu: number }[]>): string {
  const most = Math.max(...[...measures.values()].flat().map(({ cpu }) => cpu));
  return `The load, a process of its own, took ${Math.round(most * 100)} % of one core at most.`;
}

export const stopAll = async (contestants: { stop(): Promise<void> }[]): Promise<void> => {
  for (const one of contestants) await one.stop();
};
