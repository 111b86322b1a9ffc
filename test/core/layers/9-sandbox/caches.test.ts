import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWithin } from "../../../../src/core/call/path.ts";
import { CACHES } from "../../../../src/core/knowledge/caches.gen.ts";
import type { CacheEntry } from "../../../../src/core/knowledge/caches.ts";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import { type CacheFacts, cachePlaces } from "../../../../src/core/layers/9-sandbox/caches.ts";
import type { Place } from "../../../../src/core/layers/9-sandbox/facts.ts";
import type { Mount, SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import { PLACE, WORLD, type World, factsOf, policyWith, seen } from "./made.ts";

const LAYER = "/home/u/.local/state/cordon/caches/k/shared";
const OWN = "/tmp/.caches";
const CACHED: World = {
  ...WORLD,
  "/home/u/.cache": "directory",
  "/home/u/.cache/pip": "directory",
  "/home/u/.cache/ms-playwright": "directory",
  "/home/u/.npm": "directory",
  "/home/u/.cargo": "directory",
  "/home/u/.cargo/registry": "directory",
  "/home/u/.local/state/cordon": "directory",
};

interface Case {
  readonly world?: World;
  readonly overlays?: boolean;
  readonly layer?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
  readonly place?: Place;
  readonly policy?: Parameters<typeof policyWith>[0];
  readonly entries?: readonly CacheEntry[];
  readonly parted?: readonly string[];
}

function planOf(change: Case): SandboxPlan {
  const {
    world = CACHED,
    overlays = true,
    environment = {},
    place = PLACE,
    entries = CACHES.caches,
  } = change;
  const caches: CacheFacts = {
    overlays,
    entries,
    layer: "layer" in change ? change.layer : LAYER,
    places: cachePlaces(entries, place.home, environment).map((each) => ({
      ...each,
      seen: seen(world, each.path),
      parted: change.parted?.includes(each.path) === true,
    })),
  };
  const policy = policyWith(change.policy ?? {});
  const facts = factsOf(policy, world, { caches, place, environment: { PATH: "/usr/bin", ...environment } });
  const planned = sandboxPlan(policy, place, facts);
  if (planned.kind === "refused") throw new Error(planned.why);
  return planned;
}

const at = (plan: SandboxPlan, to: string): Mount | undefined => plan.mounts.find((mount) => mount.to === to);

describe("caches, where overlays can be had", () => {
  it("are layered: the machine's content below, what is written in the layer of the workspace", () => {
    const plan = planOf({});
    expect(at(plan, "/home/u/.npm")).toMatchObject({
      kind: "overlay",
      lower: "/home/u/.npm",
      upper: `${LAYER}/npm/upper`,
      work: `${LAYER}/npm/work`,
    });
    expect(at(plan, "/home/u/.cache")).toMatchObject({ kind: "overlay" });
    expect(at(plan, "/home/u/.cargo/registry")).toMatchObject({ kind: "overlay" });
    // What lies in a layer needs none of its own.
    expect(at(plan, "/home/u/.cache/pip")).toBeUndefined();
    expect(plan.environment).not.toHaveProperty("npm_config_cache");
    expect(plan.environment).not.toHaveProperty("XDG_CACHE_HOME");
    expect(plan.environment).not.toHaveProperty("CARGO_HOME");
    expect(plan.environment).toMatchObject({ GOMODCACHE: `${OWN}/go-modules`, PNPM_HOME: `${OWN}/pnpm` });
    expect(at(plan, OWN)).toMatchObject({ kind: "bind", from: `${LAYER}/own` });
  });

  it("are not writable on the machine, and what is denied in them stays so", () => {
    const world = { ...CACHED, "/home/u/.npm/token": "file" } satisfies World;
    const plan = planOf({ world, policy: { sandbox: { denyRead: ["/home/u/.npm/token"] } } });
    expect(accessAt(plan.mounts, "/home/u/.npm/x")).toBe("read-only");
    expect(accessAt(plan.mounts, "/home/u/.npm/token")).toBe("hidden");
    expect(
      accessAt(planOf({ policy: { sandbox: { denyRead: ["/home/u/.npm"] } } }).mounts, "/home/u/.npm"),
    ).toBe("hidden");
    expect(
      at(planOf({ policy: { sandbox: { denyWrite: ["/home/u/.npm"] } } }), "/home/u/.npm")?.kind,
    ).not.toBe("overlay");
  });

  it("are where the caller's variables say, and a mistake there covers nothing", () => {
    const world = {
      ...CACHED,
      "/data/npm": "directory",
      "/home/u/go": "directory",
      "/home/u/go/pkg/mod": "directory",
    } satisfies World;
    const moved = planOf({
      world,
      environment: { npm_config_cache: "/data/npm", GOPATH: "/home/u/go:/other" },
    });
    expect(at(moved, "/data/npm")).toMatchObject({ kind: "overlay" });
    expect(at(moved, "/home/u/.npm")).toBeUndefined();
    expect(moved.environment).toMatchObject({ npm_config_cache: "/data/npm" });
    expect(at(moved, "/home/u/go/pkg/mod")).toMatchObject({ kind: "overlay" });
    expect(moved.environment).not.toHaveProperty("GOMODCACHE");
    const image: World = {
      ...CACHED,
      "/usr/local/cargo": "directory",
      "/usr/local/cargo/registry": "directory",
    };
    expect(
      at(
        planOf({ world: image, environment: { CARGO_HOME: "/usr/local/cargo" } }),
        "/usr/local/cargo/registry",
      ),
    ).toMatchObject({ kind: "overlay" });
    for (const path of [
      "/",
      "/home/u",
      "/home",
      "/home/u/ws",
      "/usr",
      "/etc",
      "relative",
      "/tmp",
      "/proc",
      "/home/u/.local/state/cordon",
    ]) {
      const plan = planOf({
        environment: { npm_config_cache: path, XDG_CACHE_HOME: path, PIP_CACHE_DIR: path },
      });
      expect([path, plan.mounts.some((mount) => mount.kind === "overlay" && mount.to === path)]).toEqual([
        path,
        false,
      ]);
    }
  });

  it("leave a cache alone that holds the workspace, or is it", () => {
    for (const root of ["/home/u/.cache/x/ws", "/home/u/.cache"]) {
      const world = { ...CACHED, [root]: "directory" } satisfies World;
      const plan = planOf({ world, place: { ...PLACE, root, cwd: root } });
      expect(at(plan, "/home/u/.cache")?.kind).not.toBe("overlay");
      expect(accessAt(plan.mounts, `${root}/f`)).toBe("writable");
      expect(plan.environment["XDG_CACHE_HOME"]).toBe(`${OWN}/cache`);
    }
  });

  it("stay layered in a home that is the workspace", () => {
    const plan = planOf({ place: { ...PLACE, root: "/home/u", cwd: "/home/u" } });
    expect(at(plan, "/home/u/.npm")).toMatchObject({ kind: "overlay" });
    expect(accessAt(plan.mounts, "/home/u/.npm/x")).toBe("read-only");
    expect(accessAt(plan.mounts, "/home/u/x")).toBe("writable");
    expect(accessAt(plan.mounts, "/home/u/.local/state/cordon/caches")).toBe("hidden");
  });

  it("are the project's where a variable puts them into the project", () => {
    const plan = planOf({ environment: { npm_config_cache: "/home/u/ws/.npm" } });
    expect(plan.environment["npm_config_cache"]).toBe("/home/u/ws/.npm");
    expect(plan.mounts.filter((mount) => isWithin(mount.to, "/home/u/ws/.npm"))).toEqual([]);
  });

  it("are private where something else is mounted in them", () => {
    expect(at(planOf({ parted: ["/home/u/.npm"] }), "/home/u/.npm")).toMatchObject({
      kind: "bind",
      from: `${LAYER}/npm/data`,
    });
  });
});

describe("caches, without overlays", () => {
  it("are private, or stay readable where their content matters more", () => {
    const plan = planOf({ overlays: false });
    expect(at(plan, "/home/u/.npm")).toMatchObject({ kind: "bind", from: `${LAYER}/npm/data` });
    expect(accessAt(plan.mounts, "/home/u/.npm/x")).toBe("private");
    expect(at(plan, "/home/u/.cargo/registry")).toBeUndefined();
    expect(plan.environment).not.toHaveProperty("CARGO_HOME");
    expect(at(plan, "/home/u/.cache/ms-playwright")).toMatchObject({ kind: "ro-bind" });
    expect(plan.notes.map(({ what }) => what).join("\n")).toMatch(/\.cache, .*\.npm: private inside/);
  });

  it("end with the command where no state can be kept, or another user runs it", () => {
    for (const plan of [planOf({ layer: undefined }), planOf({ layer: undefined, overlays: false })]) {
      expect(plan.mounts.filter((mount) => mount.kind === "overlay" || mount.to === OWN)).toEqual([]);
      expect(plan.environment).toMatchObject({
        npm_config_cache: `${OWN}/npm`,
        XDG_CACHE_HOME: `${OWN}/cache`,
      });
      // Its variable leads to what is there, since the general one leads elsewhere.
      expect(plan.environment["PLAYWRIGHT_BROWSERS_PATH"]).toBe("/home/u/.cache/ms-playwright");
    }
  });
});

describe("laws of caches", () => {
  const some = fc.subarray(
    Object.keys(CACHED).filter((path) => path.startsWith("/home/u/.c") || path === "/home/u/.npm"),
  );
  const paths = fc.constantFrom(
    "/",
    "/home/u",
    "/home/u/ws",
    "/home/u/ws/c",
    "/home/u/.npm",
    "/home/u/.cache/pip",
    "/data",
    "/etc",
    "/tmp/x",
    "../x",
    "",
  );
  it("whatever the caller's variables say, nothing of the machine becomes writable and no root is covered", () => {
    fc.assert(
      fc.property(
        some,
        fc.boolean(),
        fc.constantFrom(LAYER, undefined),
        paths,
        paths,
        (there, overlays, layer, one, two) => {
          const world: World = {
            ...WORLD,
            "/data": "directory",
            ...Object.fromEntries(there.map((path) => [path, "directory" as const])),
          };
          const plan = planOf({
            world,
            overlays,
            layer,
            environment: { npm_config_cache: one, XDG_CACHE_HOME: two, CARGO_HOME: two },
          });
          const bare = sandboxPlan(policyWith({}), PLACE, factsOf(policyWith({}), world));
          if (bare.kind === "refused") throw new Error(bare.why);
          for (const path of [...Object.keys(world), "/home/u/new", "/data/new", "/home/u/.npm/new"]) {
            if (accessAt(plan.mounts, path) === "writable")
              expect(accessAt(bare.mounts, path)).toBe("writable");
            if (accessAt(bare.mounts, path) === "hidden") expect(accessAt(plan.mounts, path)).toBe("hidden");
          }
          expect(accessAt(plan.mounts, "/home/u/ws/f")).toBe("writable");
          for (const value of Object.values(plan.environment)) expect(value.startsWith(LAYER)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("every entry says what it is for, once", () => {
    const names = CACHES.caches.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, place, variables, why, set } of CACHES.caches) {
      expect(name).toMatch(/^[a-z-]+$/);
      expect(place ?? "~/.x").toMatch(/^~\/[^~]+[^/]$/);
      for (const variable of variables) expect(variable).toMatch(/^[A-Za-z_]+(\/.+)?$/);
      expect(set ?? "A={}").toMatch(/^[A-Z_]+=.*\{\}/);
      expect(why.length).toBeGreaterThan(5);
    }
  });
});
