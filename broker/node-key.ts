/** The key of this process for secrets that services without the signing key get (docs/decisions/032). */
import { newReceiver } from "./sealed-box.ts";

let key: ReturnType<typeof newReceiver> | undefined;

/** Made at the first use, and never stored. */
export const nodeKey = () => (key ??= newReceiver());
