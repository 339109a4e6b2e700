import { MongoClient } from "mongodb";
import { servers } from "./servers.ts";

interface ServerStatus {
  metrics: { commands: Record<string, { total: number } | undefined> };
}

/** Number of read commands that the database receives during `work`, from any client. */
export async function queriesDuring(work: () => Promise<unknown>): Promise<number> {
  const client = new MongoClient((await servers()).mongo.url);
  const total = async () => {
    const status = await client.db("admin").command({ serverStatus: 1 });
    const { commands } = (status as ServerStatus).metrics;
    return ["find", "aggregate", "count", "getMore"].reduce(
      (sum, name) => sum + (commands[name]?.total ?? 0),
      0,
    );
  };
  try {
    const before = await total();
    await work();
    return (await total()) - before;
  } finally {
    await client.close();
  }
}
