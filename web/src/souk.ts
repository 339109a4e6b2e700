/** The page's client, and its session and inbox as hooks. */
import { createSouk, SoukError, storedTokens } from "../../client/index.ts";
import { timedFetch } from "./clock.ts";
import { useObservable } from "./state.ts";

export { SoukError };
export const souk = createSouk({ url: "", tokens: storedTokens(), fetch: timedFetch });
export const inbox = souk.inbox();

export const useSession = () => useObservable(souk.session);
export const useInbox = () => useObservable(inbox);
