import type { ServiceBroker } from "moleculer";

/** Whether this node has lost all other nodes, as opposed to having none or seeing them stop. */
export class Peers {
  #wasLastLost = false;

  watch({ localBus }: ServiceBroker): void {
    localBus.on("$node.disconnected", ({ unexpected }: { unexpected: boolean }) => {
      this.#wasLastLost = unexpected;
    });
  }

  areLost({ registry }: ServiceBroker): boolean {
    const nodes = registry.nodes.toArray();
    return this.#wasLastLost && nodes.every(({ local, available }) => local || !available);
  }
}
