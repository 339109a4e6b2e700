/**
 * Node's HTTP, as `require` gives it. An `import` of it reads all that it exports, a WebSocket too, and so loads Node's whole `fetch`,
 * which nothing here uses: 4 MB.
 */
export const http = process.getBuiltinModule("node:http");
