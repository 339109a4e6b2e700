import { MongoClient } from "mongodb";
import { servers } from "./servers.ts";

interface Status {
  metrics: { commands: Record<string, { total: number } | undefined> };
}

/** How often the database is asked for documents while that is done, whoever asks. */
export async function queriesDuring(work: () => Promise<unknown>): Promise<number> {
  const client = new MongoClient((await servers()).mongo.url);
  const soFar = async () => {
    const { metrics } = (await client
      .db("admin")
      .command({ serverStatus: 1 })) as unknown as Status;
    return ["find", "aggregate", "count", "getMore"].reduce(
      (sum, name) => sum + (metrics.commands[name]?.total ?? 0),
      0,
    );
  };
  try {
    const before = await soFar();
    await work();
    return (await soFar()) - before;
  } finally {
    await client.close();
  }
}
