/** The frame around every view, and which view an address means. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { parts, type Part } from "./outages.ts";
import { go, place, scrollOf, usePlace } from "./router.ts";
import { useInbox, useSession } from "./item-cache.ts";
import { useStore } from "./state.ts";
import { dismiss, hold, said, toasts } from "./voice.ts";
import { Empty, Icon, Title } from "./ui/bits.tsx";
import { Account, MustSignIn, Register, SignIn } from "./views/Auth.tsx";
import { InboxView } from "./views/InboxView.tsx";
import { ItemView } from "./views/ItemView.tsx";
import { Market } from "./views/Market.tsx";
import { Revise, Sell } from "./views/Offer.tsx";
import { SellerView } from "./views/SellerView.tsx";
import { Purchases, Sales } from "./views/Trades.tsx";

interface View {
  path: RegExp;
  isOwn?: boolean;
  show(id: string): ComponentChildren;
}

const views: View[] = [
  { path: /^\/(?:shop)?$/, show: () => <Market /> },
  { path: /^\/shop\/items\/([\w-]{1,64})$/, show: (id) => <ItemView id={id} key={id} /> },
  {
    path: /^\/shop\/items\/([\w-]{1,64})\/edit$/,
    isOwn: true,
    show: (id) => <Revise id={id} key={id} />,
  },
  { path: /^\/shop\/sellers\/([\w-]{1,64})$/, show: (id) => <SellerView id={id} key={id} /> },
  { path: /^\/shop\/sell$/, isOwn: true, show: () => <Sell /> },
  { path: /^\/shop\/sales$/, isOwn: true, show: () => <Sales /> },
  { path: /^\/shop\/purchases$/, isOwn: true, show: () => <Purchases /> },
  { path: /^\/shop\/inbox$/, isOwn: true, show: () => <InboxView /> },
  { path: /^\/shop\/account$/, isOwn: true, show: () => <Account /> },
  { path: /^\/shop\/sign-in$/, show: () => <SignIn /> },
  { path: /^\/shop\/register$/, show: () => <Register /> },
];

const firstKey = place.get().key;

export function App() {
  const here = usePlace();
  const { status } = useSession();
  const main = useRef<HTMLElement>(null);
  const view = views.find(({ path }) => path.test(here.path));

  // Those who went somewhere start at the top of it, those who came back are where they were; also for keyboard and screen reader.
  useLayoutEffect(() => {
    scrollTo({ top: scrollOf(here), behavior: "instant" });
    if (here.key !== firstKey) main.current!.focus({ preventScroll: true });
  }, [here.path, here.key]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (event.preventDefault(), main.current!.focus())}
      >
        To the content
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        {!view ? (
          <Nowhere />
        ) : view.isOwn && status !== "signedIn" ? (
          <MustSignIn />
        ) : (
          view.show(view.path.exec(here.path)![1] ?? "")
        )}
      </main>
      <Footer />
      <div class="corner">
        <Toasts />
        <Trouble />
      </div>
      <p class="unseen" role="status">
        {useStore(said)}
      </p>
    </>
  );
}

function Header() {
  const { path } = usePlace();
  const { status, user } = useSession();
  const at = (to: string) => ({
    href: to,
    "aria-current": path === to ? ("page" as const) : undefined,
  });
  return (
    <header class="top">
      <div class="top-row">
        <a class="logo" {...at("/")} aria-label="Souk, the market">
          <Arch />
          <span>Souk</span>
        </a>
        <Search />
        <nav class="places" aria-label="Main">
          <a {...at("/")}>
            <Icon name="market" /> Market
          </a>
          <a {...at("/shop/sell")}>
            <Icon name="sell" /> Sell
          </a>
          <a {...at("/shop/sales")}>
            <Icon name="sales" /> Sales
          </a>
          <a {...at("/shop/purchases")}>
            <Icon name="purchases" /> Purchases
          </a>
        </nav>
        <nav class="doors" aria-label="You">
          {status === "signedIn" && <Bell />}
          {status === "signedIn" ? (
            <a
              class="door-link"
              {...at("/shop/account")}
              aria-label={`Your account, ${user!.name}`}
            >
              <Icon name="person" />
              <bdi class="door-name">{user!.name}</bdi>
            </a>
          ) : (
            <a
              class={status === "unknown" ? "sign-in is-unknown" : "sign-in"}
              {...at("/shop/sign-in")}
            >
              Sign in
            </a>
          )}
        </nav>
      </div>
      <div class="awning" />
    </header>
  );
}

/** The logo: a doorway. */
export const Arch = () => (
  <svg class="arch" viewBox="0 0 32 36" width="32" height="36" aria-hidden="true" focusable="false">
    <path d="M2 35V17C2 9 8 5 16 1c8 4 14 8 14 16v18Z" fill="currentColor" />
    <path d="M9 35V19c0-4.5 3-7 7-9.5 4 2.5 7 5 7 9.5v16Z" class="arch-inside" />
  </svg>
);

function Search() {
  const { query, path } = usePlace();
  const isMarket = path === "/" || path === "/shop";
  const search = isMarket ? (query.get("search") ?? "") : "";
  const find = (event: Event) => {
    event.preventDefault();
    const words = new FormData(event.currentTarget as HTMLFormElement).get("search") as string;
    const next = new URLSearchParams(isMarket ? query : {});
    next.delete("search");
    if (words.trim()) next.set("search", words.trim());
    go(next.size > 0 ? `/?${next}` : "/");
  };
  return (
    <form class="search" role="search" onSubmit={find}>
      <input
        key={search}
        type="search"
        name="search"
        defaultValue={search}
        maxLength={100}
        placeholder="Search the market"
        aria-label="Search the market"
      />
      <button aria-label="Search">
        <Icon name="search" />
      </button>
    </form>
  );
}

function Bell() {
  const { unread, connection } = useInbox();
  const { path } = usePlace();
  const { away } = useStore(parts);
  const isPaused = connection === "paused" && away.length === 0;
  const name = `Inbox, ${unread} unread${isPaused ? ", live updates paused" : ""}`;
  return (
    <a
      class="bell"
      data-connection={connection}
      href="/shop/inbox"
      aria-label={name}
      title={isPaused ? "Live updates paused" : undefined}
      aria-current={path === "/shop/inbox" ? "page" : undefined}
    >
      <Icon name="bell" />
      {unread > 0 && (
        <span class="count" key={unread}>
          {unread > 99 ? "99+" : unread}
        </span>
      )}
    </a>
  );
}

const troubles: Record<Part, string> = {
  shop: "The shop does not answer. What you see is from before; this comes back by itself.",
  market: "The market is away: browsing and buying have to wait.",
  users: "Sign-in is away. Browsing goes on, and so does buying for those who are signed in.",
  notifications: "Live updates paused. Nothing is lost: they catch up by themselves.",
};

function troubleOf(part: Part, away: readonly Part[]): string {
  if (part === "shop" && !navigator.onLine)
    return "You are offline. What you see is from before; this comes back by itself.";
  return part === "users" && away.includes("market") ? "Sign-in is away, too." : troubles[part];
}

/** Which part is away; in a corner, so that nothing moves when it comes and goes. */
function Trouble() {
  const { away } = useStore(parts);
  const isQuiet = away.every((part) => part === "notifications");
  return (
    <div role="status">
      {away.length > 0 && (
        <div class={isQuiet ? "trouble is-quiet" : "trouble"}>
          {away.map((part) => (
            <p key={part}>{troubleOf(part, away)}</p>
          ))}
        </div>
      )}
    </div>
  );
}

function Toasts() {
  const shown = useStore(toasts);
  return (
    <section
      class="toasts"
      aria-label="What just happened"
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocusIn={() => hold(true)}
      onFocusOut={() => hold(false)}
    >
      <div role="status">
        <ul>
          {shown.map(({ id, title, detail }) => (
            <li key={id} class="toast">
              <Icon name="bell" />
              <a href="/shop/inbox">
                <bdi class="toast-title">{title}</bdi> {detail}
              </a>
              <button type="button" aria-label="Close" onClick={() => dismiss(id)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

const Footer = () => (
  <footer class="bottom">
    <p>Every item is sold once, and every seller hears of it.</p>
    <p>
      <a href="/docs">For developers</a>
    </p>
  </footer>
);

function Nowhere() {
  return (
    <>
      <Title>Nothing here</Title>
      <Empty title="There is nothing at this address.">
        <p>
          <a href="/">To the market</a>
        </p>
      </Empty>
    </>
  );
}
