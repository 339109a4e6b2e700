/** Notices on their way to the systems of sellers, over files. */
import { deliveries } from "../support/deliveries.ts";
import { deliveriesPromises } from "../support/deliveries-promises.ts";

const market = await deliveries();
afterAll(() => market.stop());

describe("deliveries, over files", () => deliveriesPromises(market));
