/** The page's client, and its session and inbox as hooks. */
import { createSouk, SoukError, storedTokens } from "../../client/index.ts";
import { useStore } from "./state.ts";

export { SoukError };
export const souk = createSouk({ url: "", tokens: storedTokens() });
export const inbox = souk.inbox();

export const useSession = () => useStore(souk.session);
export const useInbox = () => useStore(inbox);
