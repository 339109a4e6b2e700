import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, matchesGlob, relative, resolve } from "node:path";
import { parse } from "yaml";
import { environment } from "../../broker/env/schema.ts";
import { readEnv } from "../../broker/env/read.ts";
import { serviceNames, services } from "../../contracts/actions.ts";
import { encode, newKeyPair } from "../../broker/keys.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");
const withoutComments = (text: string) => text.replace(/^\s*#.*$/gm, "");

interface Service {
  build?: string;
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  env_file?: unknown;
  user?: string;
  ports?: string[];
  networks: string[];
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  network_mode?: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

const text = read("docker-compose.yml");
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
};
const containers = Object.entries(compose.services);
const nodes = containers.filter(([, { build }]) => build);
const databases = containers.filter(([, { image }]) => image.startsWith("mongo:"));
const dockerfile = withoutComments(read("Dockerfile"));
const packageJson = JSON.parse(read("package.json")) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

/** Each `${NAME…}` of the compose file, with what follows the name: `:?message`, `:-default` or nothing. */
const variables = [...withoutComments(text).matchAll(/(?<!\$)\$\{(\w+)([^}]*)\}/g)].map(
  ([, name, rest]) => ({ name: name!, rest: rest! }),
);
/** `NAME=value` lines of .env.example, also those that are commented out because another command prints them. */
const example = new Map(
  [...read(".env.example").matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [
    name!,
    value!,
  ]),
);

describe("the containers of the services", () => {
  it("exist for each service file, and each runs the command of `npm run service` with its own name", () => {
    const files = readdirSync(join(root, "services")).filter((file) =>
      file.endsWith(".service.ts"),
    );

    expect(nodes.map(([name]) => `${name}.service.ts`).sort()).toEqual(files.sort());
    for (const [name, { command }] of nodes)
      expect(command).toEqual(["bin/launch.sh", "bin/service.ts", name]);
    for (const script of ["start", "service"])
      expect(packageJson.scripts[script]).toBe("exec bin/launch.sh bin/service.ts");
    expect(packageJson.scripts.cluster).toBe("exec bin/launch.sh bin/cluster.ts");
    expect(existsSync(join(root, "bin/service.ts"))).toBe(true);
  });

  it("run Node without a shell or npm as its parent, which would swallow SIGTERM", () => {
    const commands = [...dockerfile.matchAll(/^(?:CMD|ENTRYPOINT)\s+(.*)$/gm)].map(
      ([, command]) => JSON.parse(command!) as string[],
    );

    expect(commands).toEqual([["bin/launch.sh", "bin/service.ts", "api"]]);
    expect(read("bin/launch.sh").trim().split("\n").at(-1)).toMatch(
      /^exec env \S+ node --\S+ "\$@"$/,
    );
    expect(statSync(join(root, "bin/launch.sh")).mode & 0o111).toBe(0o111);
  });

  it("are not run by root", () => {
    const lastStage = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
    const user = /^USER\s+(\S+)$/m.exec(lastStage)?.[1];

    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const [, { user: own }] of nodes) expect(own).toBeUndefined();
  });

  it("hold every file and package that a service imports", () => {
    const ignored = withoutComments(read(".dockerignore")).split("\n").filter(Boolean);
    const { files, packages } = importedBy([
      "bin/service.ts",
      "moleculer.config.ts",
      ...nodes.map(([name]) => `services/${name}.service.ts`),
    ]);

    const missing = files.filter((file) =>
      ignored.some((pattern) => [pattern, `${pattern}/**`].some((glob) => matchesGlob(file, glob))),
    );

    expect(files.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
    expect(packages.filter((name) => !(name in packageJson.dependencies))).toEqual([]);
  });
});

describe("the environment of each service", () => {
  const pair = newKeyPair();
  const secrets: Record<string, string> = {
    AUTH_PRIVATE_JWK: encode(pair.private),
    AUTH_JWKS: encode({ keys: [pair.public] }),
  };
  const filled = (value: string) =>
    value.replace(
      /\$\{(\w+)[^}]*\}/g,
      (_, name: string) =>
        secrets[name] ?? (example.get(name) || "d41d8cd98f00b204e9800998ecf8427e"),
    );
  it.each(nodes)(
    "of %s, filled in from .env.example, is valid, and sets only variables that Souk reads",
    (name, { environment: variables }) => {
      const source = Object.fromEntries(
        Object.entries(variables!).map(([key, value]) => [key, filled(value)]),
      );

      expect(() => readEnv({ ...source, SERVICES: name })).not.toThrow();

      expect(Object.keys(source).filter((key) => !(key in environment.properties))).toEqual([]);
    },
  );

  it("names the proxies to believe where addresses of clients count", () => {
    expect(
      nodes.filter(([, { environment }]) => environment!.TRUSTED_PROXIES).map(([name]) => name),
    ).toEqual(["api", "notifications"]);
    expect(example.get("TRUSTED_PROXIES")).toBe("1");
  });
});

describe("secrets", () => {
  it("give the private signing key to users alone, and the public ones to those who check tokens", () => {
    const given = (name: string) =>
      containers
        .filter(([, service]) => JSON.stringify(service).includes(name))
        .map(([service]) => service);

    expect(given("AUTH_PRIVATE_JWK")).toEqual(["users"]);
    expect(given("AUTH_JWKS")).toEqual(["api", "notifications", "users"]);
    // A whole env file in a container would carry every secret there.
    expect(containers.filter(([, { env_file: file }]) => file)).toEqual([]);
  });

  it("are in no file: what has no default is refused by name while it is missing", () => {
    const optional = new Set(
      variables.filter(({ rest }) => !rest.startsWith(":?")).map(({ name }) => name),
    );

    expect([...optional].sort()).toEqual(["EDGE_LISTEN", "PUBLIC_URL", "TRUSTED_PROXIES"]);
    for (const { name, rest } of variables)
      expect({ name, rest }).toEqual({ name, rest: expect.stringMatching(/^:(\?.{10,}|-.+)$/) });
    for (const [name, value] of example)
      if (/PASSWORD|AUTH/.test(name)) expect({ name, value }).toEqual({ name, value: "" });
  });

  it("and all other variables are explained in .env.example, which names no other", () => {
    expect([...example.keys()].sort()).toEqual(
      [...new Set(variables.map(({ name }) => name))].sort(),
    );
    for (const { name, rest } of variables.filter(({ rest: it }) => it.startsWith(":-")))
      expect({ name, value: example.get(name) }).toEqual({ name, value: rest.slice(2) });
  });

  it("of one database are not those of another", () => {
    const passwords = databases.map(
      ([, { environment }]) => environment!.MONGO_INITDB_ROOT_PASSWORD,
    );

    expect(databases.map(([name]) => name).sort()).toEqual(services.map((name) => `${name}-db`));
    expect(new Set(passwords).size).toBe(services.length);
  });
});

describe("health", () => {
  it("of every container is checked", () => {
    expect(
      containers.filter(([, { healthcheck }]) => !healthcheck?.test?.length).map(([name]) => name),
    ).toEqual([]);
  });

  it("of a service is `live`; nothing waits for `ready`, so no outage pulls others down", () => {
    for (const [, { healthcheck }] of nodes)
      expect(healthcheck!.test.join(" ")).toContain("/health/live");
    for (const file of ["docker-compose.yml", "Dockerfile", "deploy/nginx.conf"])
      expect(withoutComments(read(file))).not.toContain("ready");
    for (const [, { depends_on: waits }] of containers)
      for (const { condition } of Object.values(waits ?? {}))
        expect(condition).toBe("service_started");
  });
});

describe("every container", () => {
  it.each(containers)(
    "%s comes back after a crash, is not run by root, and can change nothing but its data",
    (_, container) => {
      expect(container.restart).toBe("unless-stopped");
      if (!container.build) expect(container.user).toMatch(/^(?!root|0)\w+$/);
      expect(container.read_only).toBe(true);
      expect(container.cap_drop).toEqual(["ALL"]);
      expect(container.security_opt).toEqual(["no-new-privileges:true"]);
    },
  );
});

describe("the network", () => {
  const on = (network: string) =>
    containers.filter(([, { networks }]) => networks.includes(network)).map(([name]) => name);

  it("has one way in: one port of the edge, on this machine alone unless .env says otherwise", () => {
    expect(
      containers.filter(([, { ports, network_mode: mode }]) => ports || mode).map(([name]) => name),
    ).toEqual(["edge"]);
    expect(compose.services.edge!.ports).toEqual(["${EDGE_LISTEN:-127.0.0.1:8080}:8080"]);
  });

  it("leads out of the machine from the edge alone", () => {
    const outward = Object.entries(compose.networks).filter(([, network]) => !network?.internal);

    expect(outward.map(([name]) => name)).toEqual(["public"]);
    expect(on("public")).toEqual(["edge"]);
  });

  it.each(databases)("lets %s be reached by its own service alone", (name, { networks }) => {
    expect(networks).toHaveLength(1);
    expect(on(networks[0]!).sort()).toEqual([name.replace(/-db$/, ""), name].sort());
  });

  it("keeps the broker away from the edge", () => {
    expect(on("broker").sort()).toEqual([...serviceNames, "rabbitmq"].sort());
  });
});

/** Every file of ours and every package that these files import, directly or not; types alone do not count. */
function importedBy(entries: string[]): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, name] of read(file).matchAll(
      /^(?!\s*(?:import|export) type)[^\n/]*?\b(?:from|import)\s*\(?\s*"([^"]+)"/gm,
    )) {
      if (name!.startsWith(".")) visit(relative(root, resolve(root, dirname(file), name!)));
      else if (!name!.startsWith("node:") && !builtinModules.includes(name!))
        packages.add(/^(@[^/]+\/)?[^/]+/.exec(name!)![0]);
    }
  };
  entries.forEach(visit);
  return { files: [...files], packages: [...packages] };
}
