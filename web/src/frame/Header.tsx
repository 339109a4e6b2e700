import { useAddress } from "../router.ts";
import { useSession } from "../souk.ts";
import { t } from "../texts.ts";
import { Icon } from "../ui/Icon.tsx";
import { InboxLink } from "./InboxLink.tsx";
import { Search } from "./Search.tsx";

export const Header = () => (
  <header class="site-header">
    <div class="header-row">
      <NavLink class="logo" to="/" label={t.frame.home}>
        <LogoIcon />
        <span>{t.frame.name}</span>
      </NavLink>
      <Search />
      <nav class="main-nav" aria-label={t.frame.main}>
        {sections.map(({ to, icon }) => (
          <NavLink key={to} to={to}>
            <Icon name={icon} /> {t.frame[icon]}
          </NavLink>
        ))}
      </nav>
      <nav class="account-nav" aria-label={t.frame.account}>
        <AccountLinks />
      </nav>
    </div>
    <div class="awning" />
  </header>
);

/** The icons are named like the texts. */
const sections = [
  { to: "/", icon: "market" },
  { to: "/shop/sell", icon: "sell" },
  { to: "/shop/sales", icon: "sales" },
  { to: "/shop/purchases", icon: "purchases" },
] as const;

interface NavLinkProps {
  to: string;
  class?: string;
  label?: string;
  children: preact.ComponentChildren;
}

function NavLink({ to, class: className, label, children }: NavLinkProps) {
  const { path } = useAddress();
  return (
    <a
      class={className}
      href={to}
      aria-label={label}
      aria-current={path === to ? "page" : undefined}
    >
      {children}
    </a>
  );
}

function AccountLinks() {
  const { status, user } = useSession();
  if (status !== "signedIn")
    return (
      <NavLink class={status === "unknown" ? "sign-in is-hidden" : "sign-in"} to="/shop/sign-in">
        {t.frame.signIn}
      </NavLink>
    );
  return (
    <>
      <InboxLink />
      <NavLink class="account-link" to="/shop/account" label={t.frame.yourAccount(user!.name)}>
        <Icon name="person" />
        <bdi class="account-name">{user!.name}</bdi>
      </NavLink>
    </>
  );
}

/** An arched doorway. */
const LogoIcon = () => (
  <svg
    class="logo-icon"
    viewBox="0 0 32 36"
    width="32"
    height="36"
    aria-hidden="true"
    focusable="false"
  >
    <path d="M2 35V17C2 9 8 5 16 1c8 4 14 8 14 16v18Z" fill="currentColor" />
    <path d="M9 35V19c0-4.5 3-7 7-9.5 4 2.5 7 5 7 9.5v16Z" class="logo-icon-inside" />
  </svg>
);
