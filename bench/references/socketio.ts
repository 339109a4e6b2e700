/** Bare Socket.IO: lets everyone in and sends each at once the same inbox, that of INBOX. */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { listen, open } from "./settings.ts";

const inbox: unknown = JSON.parse(process.env.INBOX!);
const server = createServer();
const io = new Server(server, {
  transports: ["websocket"],
  maxHttpBufferSize: 16 * 1024,
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});

io.on("connection", (socket) => socket.emit("inbox", inbox));
open(`Socket.IO at ${await listen(server)}`);
