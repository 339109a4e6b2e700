/** An embedded market as a process of its own, as anybody outside meets it; with its signing key, which nobody outside has. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import type { Keys } from "../../broker/keys.ts";
import type { Session } from "../../contracts/users.ts";
import { Client, password } from "./client.ts";
import { Device } from "./device.ts";
import { startNode, temporaryFolder, type Node } from "../../bin/processes/node-process.ts";

export interface Market extends Node {
  dataDir: string;
  keys: Keys;
  key: JWK;
  /** Another session of the same user. */
  signedInAgain(client: Client): Promise<Client>;
  device(token?: unknown): Device;
  /** Ends it, closes the devices and removes the data. */
  close(): Promise<void>;
}

export async function startMarket(
  env: Record<string, string> = {},
  folder = temporaryFolder(),
): Promise<Market> {
  const node = await startNode([], { DATA_DIR: folder.path, RATE_SCALE: "1000000", ...env });
  const keys = JSON.parse(readFileSync(join(folder.path, "keys.json"), "utf8")) as Keys;
  const devices: Device[] = [];
  return Object.assign(Object.create(node, Object.getOwnPropertyDescriptors(node)) as Node, {
    dataDir: folder.path,
    keys,
    key: keys.private!,
    async signedInAgain({ api, session }: Client) {
      const { body } = await new Client(api).call<Session>("POST", "/users/login", {
        email: session!.user.email,
        password,
      });
      return new Client(api, body);
    },
    device(token?: unknown) {
      const device = new Device(node.sockets, token, { reconnection: false });
      devices.push(device);
      return device;
    },
    async close() {
      for (const device of devices) device.close();
      await node.end("SIGKILL");
      folder.remove();
    },
  });
}
