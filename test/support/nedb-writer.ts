/** Inserts documents into the given file until it is killed, and prints each id once the insert is acknowledged. */
import { NedbStore } from "../../store/nedb.ts";
import { things } from "./store-promises.ts";

const store = new NedbStore(process.argv[2]!, things("things"));
await store.connect();
for (let i = 0; ; i++) {
  const { _id } = await store.insert({ _id: `${i}`, name: "x".repeat(i % 5000) });
  process.stdout.write(`${_id}\n`);
}
