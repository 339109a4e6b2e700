/** An embedded market in its own process, used through its public interface. Tests also get its signing key. */
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
  /** Signs the same user in once more. */
  signedInAgain(client: Client): Promise<Client>;
  device(token?: unknown): Device;
  /** Closes the devices, kills the process and removes its data. */
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
