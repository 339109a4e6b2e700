import type { InboxState, LiveInbox, Souk } from "../index.ts";
import { unknownInbox } from "../inbox/live-inbox.ts";
import { shared } from "./shared.ts";

interface InboxStore {
  subscribe(onChange: () => void): () => void;
  get(): InboxState;
  functions: Pick<LiveInbox, "read" | "more" | "refresh">;
}

const beforeOpening: InboxState = {
  ...unknownInbox,
  status: "loading",
  connection: "connecting",
  error: null,
};

const stores = new WeakMap<Souk, InboxStore>();

/** The inbox of a market, for all components that show it. Rendering does not connect it: a rendered component may never be mounted. */
export function inboxStore(souk: Souk): InboxStore {
  const store = stores.get(souk) ?? newStore(souk);
  stores.set(souk, store);
  return store;
}

function newStore(souk: Souk): InboxStore {
  let inbox: LiveInbox | undefined;
  const use = shared(() => {
    inbox = souk.inbox();
    return inbox.close;
  });
  /** A handler may run after the inbox was closed. It must not open it again. */
  const opened = () => inbox ?? Promise.reject(new Error("The inbox is not open."));
  return {
    subscribe(onChange) {
      const release = use();
      const unsubscribe = inbox!.subscribe(onChange);
      return () => {
        unsubscribe();
        release();
      };
    },
    get: () => inbox?.get() ?? beforeOpening,
    functions: {
      read: async (which) => (await opened()).read(which),
      more: async () => (await opened()).more(),
      refresh: async () => (await opened()).refresh(),
    },
  };
}
