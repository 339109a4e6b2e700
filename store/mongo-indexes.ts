import type { IndexDescription } from "mongodb";
import type { Index } from "./store.ts";

/** An index as MongoDB declares it. */
export const toMongoIndex = ({ fields, unique, sparse, partial }: Index): IndexDescription => ({
  key: Object.fromEntries(fields.map((field) => [field, 1])),
  ...(unique && { unique }),
  ...(sparse && { sparse }),
  ...(partial && { partialFilterExpression: { [partial]: { $exists: true } } }),
});
