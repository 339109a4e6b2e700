/** deploy/nginx.conf in a real nginx on free ports, in front of a market on this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually } from "../../bin/processes/eventually.ts";
import { freePort } from "../../bin/processes/free-port.ts";

const command = process.env.NGINX ?? "nginx";

/** Only hosts, ports and folders differ from the deployed configuration. `origin` serves api and sockets. */
export async function startNginx({ api, sockets }: { api: string; sockets: string }) {
  const dir = mkdtempSync(join(tmpdir(), "souk-nginx-"));
  chmodSync(dir, 0o755); // nginx serves as another user
  const [port, healthPort] = [await freePort(), await freePort()];
  let config = readFileSync(resolve(import.meta.dirname, "../../deploy/nginx.conf"), "utf8");
  for (const [from, to] of [
    ["listen 8080 ", `listen 127.0.0.1:${port} `],
    ["listen 127.0.0.1:8081;", `listen 127.0.0.1:${healthPort};`],
    [" api:3000;", ` ${new URL(api).host};`],
    [" notifications:3001;", ` ${new URL(sockets).host};`],
    ["access_log /dev/stdout line", "access_log /tmp/access.log line"],
    ["/tmp/", `${dir}/`],
  ] as const) {
    if (!config.includes(from)) throw new Error(`deploy/nginx.conf has no "${from}"`);
    config = config.replaceAll(from, to);
  }
  // Debian builds `stream` as a module of its own.
  const stream = "/usr/lib/nginx/modules/ngx_stream_module.so";
  const module = existsSync(stream) ? `load_module ${stream};\n` : "";
  writeFileSync(join(dir, "nginx.conf"), module + config);
  const child = spawn(command, ["-p", dir, "-c", join(dir, "nginx.conf")], { stdio: "ignore" });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`This suite needs nginx with stream: "${command}" ended with ${code}.`);
  });
  failed.catch(() => null);
  await Promise.race([failed, eventually(() => fetch(`http://127.0.0.1:${healthPort}/`))]);
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
