/** Registers the service worker when the page has loaded, so that its downloads do not delay the page. */
export function registerWorker(): void {
  // `vite dev` has none: it would keep files that change.
  if (!import.meta.env.PROD || !navigator.serviceWorker) return;
  // Browsers refuse it in some private windows. The page works without.
  const register = () => void navigator.serviceWorker.register("/sw.js").catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register);
}
