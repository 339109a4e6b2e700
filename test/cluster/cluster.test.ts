import { cluster } from "../support/fabric.ts";
import { promises } from "../support/promises.ts";

describe("as a cluster, over RabbitMQ and MongoDB", () => promises(cluster));
