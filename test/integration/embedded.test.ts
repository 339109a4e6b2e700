import { embedded } from "../support/fabric.ts";
import { promises } from "../support/promises.ts";

describe("embedded, over files", () => promises(embedded));
