/** The frame around every view, and the table of views. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { pagePattern } from "../../contracts/static-paths.ts";
import { announcement } from "./announcer.ts";
import { Header } from "./frame/Header.tsx";
import { OutageNotice } from "./frame/OutageNotice.tsx";
import { Toasts } from "./frame/Toasts.tsx";
import { firstKey, scrollPositionOf, useAddress } from "./router.ts";
import { useSession } from "./souk.ts";
import { useObservable } from "./state.ts";
import { t } from "./texts.ts";
import { Empty } from "./ui/Empty.tsx";
import { Title } from "./ui/Title.tsx";
import { Account } from "./views/Account.tsx";
import { Register, RequireSignIn, SignIn } from "./views/Auth.tsx";
import { InboxView } from "./views/InboxView.tsx";
import { ItemView } from "./views/ItemView.tsx";
import { Market } from "./views/Market.tsx";
import { EditItem, Sell } from "./views/Offer.tsx";
import { Purchases, Sales } from "./views/Orders.tsx";
import { SellerView } from "./views/SellerView.tsx";
import { Verify } from "./views/Verify.tsx";
import { Settings } from "./views/Settings.tsx";

interface View {
  path: RegExp;
  needsUser?: boolean;
  /** `id` is the first group of the path. */
  render(id: string): ComponentChildren;
}

const views: View[] = [
  { path: /^\/(?:shop)?$/, render: () => <Market /> },
  { path: pagePattern("/shop/items/:id"), render: (id) => <ItemView id={id} key={id} /> },
  {
    path: pagePattern("/shop/items/:id/edit"),
    needsUser: true,
    render: (id) => <EditItem id={id} key={id} />,
  },
  { path: pagePattern("/shop/sellers/:id"), render: (id) => <SellerView id={id} key={id} /> },
  { path: pagePattern("/shop/sell"), needsUser: true, render: () => <Sell /> },
  { path: pagePattern("/shop/sales"), needsUser: true, render: () => <Sales /> },
  { path: pagePattern("/shop/purchases"), needsUser: true, render: () => <Purchases /> },
  { path: pagePattern("/shop/inbox"), needsUser: true, render: () => <InboxView /> },
  { path: pagePattern("/shop/account"), needsUser: true, render: () => <Account /> },
  { path: pagePattern("/shop/settings"), needsUser: true, render: () => <Settings /> },
  { path: pagePattern("/shop/sign-in"), render: () => <SignIn /> },
  { path: pagePattern("/shop/register"), render: () => <Register /> },
  { path: pagePattern("/verify"), render: () => <Verify /> },
];

export function App() {
  const address = useAddress();
  const main = useRef<HTMLElement>(null);

  // A new view starts at its top; going back restores the scroll position. Keyboards and screen readers start at the view, too.
  useLayoutEffect(() => {
    scrollTo({ top: scrollPositionOf(address), behavior: "instant" });
    if (address.key !== firstKey) main.current!.focus({ preventScroll: true });
  }, [address.path, address.key]);

  return (
    <>
      <a
        class="skip-link"
        href="#main"
        onClick={(event) => (event.preventDefault(), main.current!.focus())}
      >
        {t.frame.skip}
      </a>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        <CurrentView path={address.path} />
      </main>
      <Footer />
      <div class="overlays">
        <Toasts />
        <OutageNotice />
      </div>
      <p class="visually-hidden" role="status">
        {useObservable(announcement)}
      </p>
    </>
  );
}

function CurrentView({ path }: { path: string }) {
  const { status } = useSession();
  const view = views.find((one) => one.path.test(path));
  if (!view) return <NotFound />;
  if (view.needsUser && status !== "signedIn") return <RequireSignIn />;
  return <>{view.render(view.path.exec(path)![1] ?? "")}</>;
}

const Footer = () => (
  <footer class="site-footer">
    <p>{t.frame.promise}</p>
    <p>
      <a href="/docs">{t.frame.developers}</a>
    </p>
  </footer>
);

const NotFound = () => (
  <>
    <Title>{t.notFound.heading}</Title>
    <Empty title={t.notFound.text}>
      <p>
        <a href="/">{t.notFound.toMarket}</a>
      </p>
    </Empty>
  </>
);
