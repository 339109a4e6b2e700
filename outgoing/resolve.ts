import { Resolver } from "node:dns/promises";
import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { isLoopbackAddress, isPublicAddress } from "./public-address.ts";

/** The addresses of a name. Rejects when there are none. */
export type Resolve = (name: string) => Promise<LookupAddress[]>;

/** Asks the name servers themselves: the operating system's lookup has no time limit and shares its threads with password hashing. */
const resolver = new Resolver({ timeout: 1_000, tries: 2 });

/** A and AAAA records. The hosts file and the search domains of this machine do not count. */
export const resolvePublicly: Resolve = async (name) => {
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = [
    ...(four.status === "fulfilled" ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === "fulfilled" ? six.value.map((address) => ({ address, family: 6 })) : []),
  ];
  if (addresses.length === 0) throw (four as PromiseRejectedResult).reason;
  return addresses;
};

/** A request to this host was refused: it would have reached an address that is not public. */
export class PrivateAddress extends Error {}

/**
 * A `lookup` for Node's sockets, asked each time a connection is opened: of a name that changes its addresses meanwhile the new
 * ones count. One private address among several is enough to refuse.
 */
export function guardedLookup(resolve: Resolve, isLoopbackAllowed: boolean): LookupFunction {
  const isAllowed = ({ address }: LookupAddress) =>
    isPublicAddress(address) || (isLoopbackAllowed && isLoopbackAddress(address));
  const addressesOf = async (name: string) => {
    if (isLoopbackAllowed && name === "localhost") return [{ address: "127.0.0.1", family: 4 }];
    const found = await resolve(name);
    if (!found.every(isAllowed)) throw new PrivateAddress(`${name} has a private address.`);
    return found;
  };
  return (name, options, callback) => {
    addressesOf(name).then(
      (found) =>
        options.all ? callback(null, found) : callback(null, found[0]!.address, found[0]!.family),
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}
