import { domainToASCII } from "node:url";

const maxLength = 254;
/** RFC 5321. */
const maxLocalLength = 64;
/** Letters, digits and hyphens in labels of up to 63; an underscore occurs in names of hosts. The last label is not a number, or it would be an address. */
const hostName =
  /^(?=.{1,253}$)(?:(?!-)[a-z\d_-]{0,62}[a-z\d_]\.)*(?!\d+$)(?!-)[a-z\d_-]{0,62}[a-z\d_]$/;

/**
 * The form in which an email address is stored and compared, so that it has one account however its domain is written: in lower case,
 * an internationalised domain in ASCII (UTS #46, Punycode). Undefined when the domain is none. `address` fits the contract.
 */
export function canonicalEmail(address: string): string | undefined {
  const at = address.lastIndexOf("@");
  const local = address.slice(0, at).toLowerCase();
  const domain = domainToASCII(address.slice(at + 1));
  const canonical = `${local}@${domain}`;
  const isValid =
    hostName.test(domain) && local.length <= maxLocalLength && canonical.length <= maxLength;
  return isValid ? canonical : undefined;
}

/** For a sign-in. Version 0.1.0 also registered addresses that are no longer accepted. */
export const signInEmail = (address: string) => canonicalEmail(address) ?? address.toLowerCase();
