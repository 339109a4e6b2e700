/** The package documents the import of one limiter from its own file, and declares its types for the main file only. */
declare module "rate-limiter-flexible/lib/RateLimiterMemory.js" {
  export { RateLimiterMemory as default } from "rate-limiter-flexible";
}
