import { Client } from "../support/client.ts";
import { follow } from "../support/docs.ts";
import { eventually } from "../../bin/processes/eventually.ts";
import { clusterEnv } from "../../bin/processes/cluster-env.ts";
import { startNode, temporaryFolder } from "../../bin/processes/node-process.ts";
import { SERVER_START, startMongo } from "../../bin/processes/servers.ts";

const folder = temporaryFolder();
afterAll(() => folder.remove());

it(
  "restores the state of the copy from MongoDB folders under a running market, by docs/backup.md",
  async () => {
    const [market, others] = await Promise.all([startMongo(), startMongo()]);
    const env = {
      ...clusterEnv("", others.url),
      AMQP_URL: "",
      MARKET_MONGO_URL: `${market.url}/market`,
      DATA_DIR: folder.path,
    };
    const { AUTH_JWKS: _jwks, AUTH_PRIVATE_JWK: _jwk, ...embedded } = env;
    const node = await startNode([], embedded);
    const [seller, buyer] = [await Client.registered(node.api), await Client.registered(node.api)];
    const [before, after] = [await seller.offer(), await seller.offer()];
    const sale = (await buyer.call("POST", `/market/buy/${before.id}`)).body;
    const copy = { DB: market.dir, NAME: "market" };

    await market.kill("SIGTERM");
    follow("backup.md", "backup-mongo", folder.path, copy);
    await market.restart();
    await eventually(async () =>
      expect((await buyer.call("POST", `/market/buy/${after.id}`)).status).toBe(200),
    );
    await market.kill("SIGTERM");
    follow("backup.md", "restore-mongo", folder.path, copy);
    await market.restart();

    await eventually(async () =>
      expect((await buyer.call("POST", `/market/buy/${before.id}`)).body).toEqual(sale),
    );
    expect((await buyer.call("GET", `/market/items/${after.id}`)).body).toMatchObject({
      isSold: false,
    });
    await node.end();
    await Promise.all([market.stop(), others.stop()]);
  },
  SERVER_START,
);
