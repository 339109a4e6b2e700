/** The contracts and the files of the services name the same services: README, "Add a service". */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { actions, serviceNames, services } from "../../contracts/actions.ts";
import { routes } from "../../contracts/routes.ts";

const hosted = readdirSync(join(import.meta.dirname, "../../services"))
  .filter((file) => file.endsWith(".service.ts"))
  .map((file) => file.slice(0, -".service.ts".length));

it("has a file services/NAME.service.ts for each name in contracts/actions.ts, and no other", () => {
  expect(hosted.sort()).toEqual([...serviceNames].sort());
});

it("lists the service of every action in `services` of contracts/actions.ts", () => {
  const owners = new Set(Object.keys(actions).map((action) => action.split(".")[0]));
  expect([...owners].sort()).toEqual([...services].sort());
});

it("routes each method and path to one action, and each action once", () => {
  const paths = routes.map(({ method, path }) => `${method} ${path.replace(/:\w+/g, ":param")}`);
  expect(new Set(paths).size).toBe(paths.length);
  expect(new Set(routes.map(({ action }) => action)).size).toBe(routes.length);
});
