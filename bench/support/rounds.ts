/** Measures all systems in turn, round after round, so that other work of the machine affects each of them alike. */

/** Number of rounds that count. */
const counted = 5;

/** One measurement per system and round. Round 0 warms up and does not count. */
export async function rounds<S, M>(
  systems: S[],
  measure: (system: S, round: number) => Promise<M>,
): Promise<Map<S, M[]>> {
  const measurements = new Map<S, M[]>(systems.map((system) => [system, []]));
  for (let round = 0; round <= counted; round++)
    for (const system of systems) {
      const measured = await measure(system, round);
      if (round > 0) measurements.get(system)!.push(measured);
    }
  return measurements;
}

/** A note on the highest share of a core that the load generator used. Close to 100 %, it would be the bottleneck. */
export function loadNote(measurements: Map<unknown, { cpu: number }[]>): string {
  const max = Math.max(...[...measurements.values()].flat().map(({ cpu }) => cpu));
  return `The load generator, a process of its own, used at most ${Math.round(max * 100)} % of one core.`;
}

export const stopAll = async (systems: { stop(): Promise<void> }[]): Promise<void> => {
  for (const system of systems) await system.stop();
};
