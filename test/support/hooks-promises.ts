/** What the hooks of souk-client/react do, in React and in Preact. */
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createElement as h, StrictMode, useState, type ReactNode } from "react";
import { eventually } from "../../bin/processes/eventually.ts";
import { createSouk } from "../../client/index.ts";
import { SoukProvider, useInbox, useItems, useSession, useSouk } from "../../client/react.ts";
import { problem, RecordingFetch } from "./recording-fetch.ts";

export interface Root {
  render(node: ReactNode): void;
  unmount(): void;
}

const user = { id: "u1", name: "Selma", email: "selma@souk.test", createdAt: "" };
const session = { user, accessToken: "access", refreshToken: "refresh", expiresIn: 900 };
const credentials = { email: user.email, password: "correct horse" };

/** Accepts connections and never answers. `made` counts all connections, `open` those that are open. */
async function silentSockets() {
  const count = { made: 0, open: 0 };
  const server = createServer((socket) => {
    count.made++;
    count.open++;
    socket.on("error", () => {}).on("close", () => count.open--);
    socket.resume();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { count, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** `newRoot` renders into an element; `text` is what that shows. */
export function hooksPromises(newRoot: (element: object) => Root, document: Document): void {
  const element = document.createElement("div");
  let root: Root;
  const text = () => element.textContent;
  const shows = (expected: string) => eventually(() => expect(text()).toBe(expected));
  const sockets = silentSockets();
  afterAll(async () => (await sockets).server.close());
  afterEach(() => root.unmount());

  async function market() {
    const { url, count } = await sockets;
    const recorder = new RecordingFetch();
    const souk = createSouk({ url: "http://fake.test", socketUrl: url, fetch: recorder.fetch });
    const render = (...children: ReactNode[]) =>
      root.render(h(StrictMode, null, h(SoukProvider, { souk }, ...children)));
    recorder.instead = () => [200, session];
    root = newRoot(element);
    return { recorder, souk, render, sockets: count };
  }

  it("useSession renders the session as it changes", async () => {
    const { souk, render } = await market();
    const Name = () => {
      const { status, user } = useSession();
      return h("b", null, `${status} ${user?.name ?? "–"}`);
    };
    render(h(Name));
    await shows("unknown –");
    await souk.signIn(credentials);
    await shows("signedIn Selma");
    await souk.signOut();
    await shows("signedOut –");
  });

  it("useInbox shares one connection between components, and closes it after the last one", async () => {
    const { recorder, souk, render, sockets } = await market();
    await souk.signIn(credentials);
    const page = { notifications: [], unread: 3, nextCursor: null };
    recorder.instead = () => [200, page];
    const before = sockets.made;
    const inbox = souk.inbox();
    const { close } = inbox;
    let closed = 0;
    inbox.close();
    inbox.close = () => (closed++, close());
    const Bell = () => {
      const { status, unread } = useInbox();
      return h("b", null, `${status} ${unread ?? "?"};`);
    };

    render(h(Bell), h(Bell));
    await shows("loading ?;loading ?;");
    await eventually(() => expect(sockets.open).toBe(1));
    render(h(Bell));
    await shows("loading ?;");
    expect([sockets.made - before, sockets.open, closed]).toEqual([1, 1, 0]);
    render();
    await eventually(() => expect([sockets.open, closed]).toEqual([0, 1]));

    render(h(Bell));
    await eventually(() => expect(sockets.open).toBe(1));
    expect(sockets.made - before).toBe(2);
  });

  it("useItems loads the pages of a query, each item once, and skips empty pages", async () => {
    const { recorder, render } = await market();
    const pages: Record<string, [ids: string, nextCursor: string | null]> = {
      lamp: ["", "c2"],
      c2: ["ab", "c3"],
      c3: ["b", "c4"],
      c4: ["bc", null],
      tea: ["t", null],
    };
    recorder.instead = ({ path }) => {
      const query = new URL(path, "http://x").searchParams;
      const [ids, nextCursor] = pages[query.get("cursor") ?? query.get("search")!]!;
      return [200, { items: [...ids].map((id) => ({ id, imageUrl: null })), nextCursor }];
    };
    let more = () => {};
    let search = (_: string) => {};
    const List = () => {
      const [text, setText] = useState("lamp");
      const list = useItems({ search: text });
      ({ more } = list);
      search = setText;
      const ids = list.items?.map(({ id }) => id).join("") ?? "unknown";
      return h("b", null, `${ids} ${list.isLoading ? "loading" : list.hasMore ? "more" : "end"}`);
    };

    render(h(List));
    await shows("ab more");
    more();
    more();
    await shows("abc end");
    search("tea");
    await shows("t end");
    expect(recorder.asked.map(({ path }) => path.replace("/market/items?search=", ""))).toEqual([
      "lamp",
      "lamp&cursor=c2",
      "lamp&cursor=c3",
      "lamp&cursor=c4",
      "tea",
    ]);
  });

  it("useItems shows why a page cannot be read, which is not an empty list, and reads it again", async () => {
    const { recorder, render } = await market();
    recorder.instead = () => problem(400, "BAD_DATA");
    let more = () => {};
    const List = () => {
      const list = useItems();
      ({ more } = list);
      const code = (list.error as { code?: string } | null)?.code ?? "";
      return h("b", null, `${list.items?.length ?? "unknown"} ${code}`);
    };

    render(h(List));
    await shows("unknown BAD_DATA");
    recorder.instead = () => [200, { items: [], nextCursor: null }];
    more();
    await shows("0 ");
  });

  it("useItems cancels its request when the component is unmounted", async () => {
    const signals: AbortSignal[] = [];
    const { render, recorder } = await market();
    const souk = createSouk({
      url: "http://fake.test",
      fetch: (_, { signal }) => (signals.push(signal), new Promise(() => {})),
    });
    const List = () => h("b", null, String(useItems().isLoading));
    render(h(SoukProvider, { souk }, h(List)));
    await eventually(() => expect(signals).toHaveLength(1));
    expect(signals[0]!.aborted).toBe(false);

    render();
    await eventually(() => expect(signals[0]!.aborted).toBe(true));
    expect(signals.map(({ reason }) => (reason as Error).name)).toEqual(["AbortError"]); // no timeout
    expect(recorder.asked).toEqual([]);
  });

  it("useSouk says which component is missing", async () => {
    await market();
    let message = "";
    const Lost = () => {
      try {
        useSouk();
      } catch (error) {
        ({ message } = error as Error);
      }
      return null;
    };
    root.render(h(Lost));
    await eventually(() => expect(message).toContain("<SoukProvider souk={…}>"));
  });
}
