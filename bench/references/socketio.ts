/** Bare Socket.IO: accepts every socket and sends it the inbox given in INBOX. */
import { createServer } from "node:http";
import { Server } from "socket.io";
import { listen, ready } from "./settings.ts";

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
ready(`Socket.IO at ${await listen(server)}`);
