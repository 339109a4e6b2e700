import { join } from "node:path";
import type { Inbox } from "../../contracts/notifications.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";

/** The reference for sockets. It sends this inbox to every socket. */
export const bareSocketIo = (inbox: Inbox, env: Record<string, string> = {}): Promise<Node> =>
  startNode(
    [],
    { NODE_ENV: "production", INBOX: JSON.stringify(inbox), ...env },
    join(import.meta.dirname, "../references/socketio.ts"),
  );
