import { join } from "node:path";
import type { Inbox } from "../../contracts/notifications.ts";
import { startNode, type Node } from "../../bin/processes/node-process.ts";

/** The reference for sockets; everyone gets this inbox. */
export const bareIo = (inbox: Inbox, more: Record<string, string> = {}): Promise<Node> =>
  startNode(
    [],
    { NODE_ENV: "production", INBOX: JSON.stringify(inbox), ...more },
    join(import.meta.dirname, "../references/socketio.ts"),
  );
