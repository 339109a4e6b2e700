/** Inserts without end into the file that is given, and prints each id once the store says that it is stored. */
import { NedbStore } from "../../store/nedb.ts";
import { things } from "./store-promises.ts";

const store = new NedbStore(process.argv[2]!, things("things"));
await store.connect();
for (let i = 0; ; i++) {
  const { _id } = await store.insert({ _id: `${i}`, name: "x".repeat(i % 5000) });
  process.stdout.write(`${_id}\n`);
}
