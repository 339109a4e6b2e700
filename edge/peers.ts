import type { ServiceBroker } from "moleculer";

/** Milliseconds in which one of the other nodes must answer. */
const pingTimeoutMs = 900;
/** How many other nodes are asked: one may be frozen. */
const askedPeers = 3;

/** Whether this node has lost all other nodes, as opposed to having none or seeing them stop. */
export class Peers {
  #wasLastLost = false;

  watch({ localBus }: ServiceBroker): void {
    localBus.on("$node.disconnected", ({ unexpected }: { unexpected: boolean }) => {
      this.#wasLastLost = unexpected;
    });
  }

  async areLost(broker: ServiceBroker): Promise<boolean> {
    const nodes = broker.registry.nodes.toArray();
    const peers = nodes.filter(({ local, available }) => !local && available);
    if (peers.length === 0) return this.#wasLastLost;
    const asked = peers.toSorted(() => Math.random() - 0.5).slice(0, askedPeers);
    const answers = asked.map(async ({ id }) => {
      // Moleculer resolves with null after the timeout.
      if (!(await broker.ping(id, pingTimeoutMs))) throw new Error("no answer");
    });
    return Promise.any(answers).then(
      () => false,
      () => true,
    );
  }
}
