/** A thread that answers with the first line of SQLite's quick check of a file. */
import { parentPort, workerData } from "node:worker_threads";
import { openToRead } from "./open-to-read.ts";

const db = openToRead(workerData as string);
const [found] = db.prepare("PRAGMA quick_check(1)").all();
parentPort!.postMessage(String(found?.quick_check).replaceAll(/\s+/g, " "));
db.close();
