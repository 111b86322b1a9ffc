import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { isWithin, parentOf } from "../../../../src/core/call/path.ts";
import { accessAt } from "../../../../src/core/layers/9-sandbox/access.ts";
import {
  NEWEST_ABI,
  landlockBeside,
  landlockWords,
  lostBits,
} from "../../../../src/core/layers/9-sandbox/landlock.ts";
import {
  type DirectoryEntry,
  type Listings,
  landlockAlone,
  landlockListings,
} from "../../../../src/core/layers/9-sandbox/landlock-alone.ts";
import type { LandlockPlan, SandboxPlan } from "../../../../src/core/layers/9-sandbox/plan.ts";
import { sandboxPlan } from "../../../../src/core/layers/9-sandbox/sandbox.ts";
import type { Policy } from "../../../../src/core/settings/policy.ts";
import { PLACE, WORLD, type World, factsOf, policyWith, seen } from "./made.ts";

const W = PLACE.root;

function planOf(policy: Policy, world: World = WORLD): SandboxPlan {
  const planned = sandboxPlan(policy, PLACE, factsOf(policy, world));
  if (planned.kind === "refused") throw new Error(planned.why);
  return planned;
}

/** Directories of a made world, with the ones that nobody spelt out. */
function listed(world: World, directories: readonly string[]): Listings {
  const entries = (directory: string): readonly DirectoryEntry[] => {
    const names = new Map<string, DirectoryEntry["type"]>();
    for (const path of Object.keys(world)) {
      if (path === directory || !isWithin(path, directory)) continue;
      const rest = path.slice(directory === "/" ? 1 : directory.length + 1);
      const [name = ""] = rest.split("/");
      const { type, link } = seen(world, path);
      const own = rest === name;
      names.set(name, own ? (link !== undefined ? "link" : type === "absent" ? "other" : type) : "directory");
    }
    return [...names].map(([name, type]) => ({ name, type }));
  };
  return new Map(directories.map((directory) => [directory, entries(directory)]));
}

function alone(policy: Policy, world: World = WORLD): LandlockPlan {
  const plan = planOf(policy, world);
  const found = landlockAlone(plan, {
    abi: 7,
    listings: listed(world, landlockListings(plan)),
    temporary: "/tmp/own",
  });
  if (found.kind === "refused") throw new Error(found.why);
  return found.landlock;
}

const granted = ({ rules }: LandlockPlan, path: string): readonly string[] =>
  rules.filter((rule) => isWithin(path, rule.path)).map(({ grant }) => grant);

describe("Landlock beside the mounts", () => {
  const plan = planOf(policyWith({ sandbox: { allowWrite: ["/data"] } }), { ...WORLD, "/data": "directory" });

  it("grants reading everywhere and writing where something was mounted to be written", () => {
    const rules = landlockBeside(plan.mounts, 7)?.rules ?? [];
    expect(rules).toContainEqual({ path: "/", grant: "read" });
    for (const path of [W, "/data", "/tmp"]) expect(rules).toContainEqual({ path, grant: "write" });
    expect(rules).toContainEqual({ path: "/dev", grant: "device" });
    expect(rules.filter(({ path }) => path === "/run" || path === "/proc")).toEqual([]);
  });

  it("makes nothing writable that no mount makes so", () => {
    for (const { path, grant } of landlockBeside(plan.mounts, 7)?.rules ?? [])
      if (grant === "write") expect(["writable", "private"]).toContain(accessAt(plan.mounts, path));
  });

  it("says nothing twice", () => {
    const rules = landlockBeside(plan.mounts, 7)?.rules ?? [];
    expect(new Set(rules.map((rule) => JSON.stringify(rule))).size).toBe(rules.length);
    const writes = rules.filter(({ grant }) => grant === "write").map(({ path }) => path);
    expect(writes.filter((path) => writes.some((other) => other !== path && isWithin(path, other)))).toEqual(
      [],
    );
  });

  it("is left out where the kernel's version would break moving files", () => {
    expect(landlockBeside(plan.mounts, 0)).toBeUndefined();
    expect(landlockBeside(plan.mounts, 1)).toBeUndefined();
    expect(landlockBeside(plan.mounts, 2)).toMatchObject({ abi: 2, scopes: [] });
  });

  it("asks for no more than it knows, and for scopes where there are some", () => {
    expect(landlockBeside(plan.mounts, 5)?.scopes).toEqual([]);
    expect(landlockBeside(plan.mounts, 6)?.scopes).toEqual(["signal", "abstract"]);
    expect(landlockBeside(plan.mounts, 12)?.abi).toBe(NEWEST_ABI);
  });

  it("has the launcher's number of the newest version", () => {
    const header = readFileSync(new URL("../../../../native/landlock.h", import.meta.url), "utf8");
    expect(header).toContain(`#define LANDLOCK_NEWEST ${NEWEST_ABI}\n`);
  });

  it("becomes words", () => {
    expect(
      landlockWords({
        abi: 6,
        scopes: ["signal"],
        rules: [
          { path: "/", grant: "read" },
          { path: "/dev/null", grant: "device", optional: true },
        ],
      }),
    ).toEqual(
      "--landlock 6 --landlock-scope signal --landlock-read / --landlock-device-try /dev/null".split(" "),
    );
  });

  it("names each right that an older kernel lacks", () => {
    expect(lostBits(7)).toEqual([]);
    expect(lostBits(5).map(({ loses }) => loses)).toEqual(["signals, pidfd"]);
    expect(lostBits(2)).toHaveLength(4);
    expect(lostBits(0).length).toBeGreaterThanOrEqual(lostBits(3).length);
  });
});

describe("Landlock without mounts", () => {
  const world: World = {
    ...WORLD,
    "/etc/passwd": "file",
    "/home/u/.bashrc": "file",
    "/home/u/notes": "directory",
    "/home/u/keys": { link: "/home/u/.ssh", type: "directory" },
    "/home/u/.local/state/cordon": "directory",
    [`${W}/.env`]: "file",
    [`${W}/package.json`]: "file",
    [`${W}/src`]: "directory",
    [`${W}/src/a.ts`]: "file",
    [`${W}/deep/er/.env`]: "file",
    [`${W}/deep/er/x`]: "file",
    [`${W}/deep/other`]: "directory",
    [`${W}/.mcp.json`]: "file",
  };
  const hide = (...denyRead: readonly string[]): Policy => policyWith({ sandbox: { denyRead } });

  it("grants the workspace as a whole where nothing in it is denied", () => {
    expect(alone(policyWith({}), world).rules).toContainEqual({ path: W, grant: "write" });
  });

  it("reads the system and the home, never a credential store or cordon's own state", () => {
    const rules = alone(policyWith({}), world);
    for (const path of ["/usr/bin/node", "/etc/passwd", "/home/u/.bashrc", "/home/u/notes/x"])
      expect([path, granted(rules, path)]).toEqual([path, ["read"]]);
    for (const path of ["/home/u/.ssh/id_rsa", "/etc/shadow", "/home/u/.local/state/cordon/x"])
      expect([path, granted(rules, path)]).toEqual([path, []]);
    expect(granted(rules, "/home/u/.ssh/known_hosts")).toEqual(["read"]);
  });

  it("follows no link, so that none leads into what is denied", () => {
    expect(alone(policyWith({}), world).rules.map(({ path }) => path)).not.toContain("/home/u/keys");
  });

  it("hides what is private elsewhere: the machine's own temporary files, sockets and processes", () => {
    const rules = alone(policyWith({}), { ...world, "/tmp/other": "file", "/run/x": "file" });
    for (const path of [
      "/tmp/other",
      "/run/x",
      "/proc/1/environ",
      "/proc/self/mem",
      "/dev/sda",
      "/dev/pts/0",
    ])
      expect([path, granted(rules, path)]).toEqual([path, []]);
    expect(granted(rules, "/tmp/own/x")).toEqual(["write"]);
    expect(granted(rules, "/dev/null")).toEqual(["device"]);
    expect(granted(rules, "/proc/meminfo")).toEqual(["read"]);
  });

  it("grants everything beside a file that may not be read", () => {
    const rules = alone(hide(`${W}/.env`, `${W}/deep/er/.env`), world);
    expect(granted(rules, `${W}/.env`)).toEqual([]);
    expect(granted(rules, `${W}/deep/er/.env`)).toEqual([]);
    expect(granted(rules, `${W}/src/new`)).toEqual(["write"]);
    expect(granted(rules, `${W}/deep/other/new`)).toEqual(["write"]);
    expect(granted(rules, `${W}/deep/er/x`)).toEqual(["edit"]);
    expect(granted(rules, `${W}/package.json`)).toEqual(["edit"]);
    // A name that appears beside it is not known, so it is denied.
    expect(granted(rules, `${W}/new`)).toEqual([]);
  });

  it("keeps what a person's rule denies to write, and leaves protected names to the look afterwards", () => {
    const rules = alone(policyWith({ sandbox: { denyWrite: [`${W}/src`] } }), world);
    expect(granted(rules, `${W}/src/a.ts`)).toEqual(["read"]);
    expect(granted(rules, `${W}/.mcp.json`)).toEqual(["edit"]);
    expect(granted(alone(policyWith({}), world), `${W}/.mcp.json`)).toEqual(["write"]);
  });

  it("tells where nothing can be made any more", () => {
    const plan = planOf(hide(`${W}/.env`), world);
    const listings = listed(world, landlockListings(plan));
    const found = landlockAlone(plan, { abi: 7, listings, temporary: "/tmp/own" });
    expect(found.kind === "rules" ? found.notes.map(({ what }) => what) : []).toEqual([
      `nothing can be made, removed or renamed directly in ${W}, because something in it is denied`,
    ]);
  });

  it("grants nothing in a directory that it could not list", () => {
    const plan = planOf(hide(`${W}/.env`), world);
    const found = landlockAlone(plan, { abi: 7, listings: new Map(), temporary: "/tmp/own" });
    if (found.kind === "refused") throw new Error(found.why);
    expect(granted(found.landlock, `${W}/src/a.ts`)).toEqual([]);
    expect(granted(found.landlock, "/usr/bin/node")).toEqual([]);
  });

  it("needs no care for sockets: none can be connected to", () => {
    const policy = policyWith({});
    const facts = factsOf(policy, world, { sockets: [`${W}/dev.sock`] });
    const plan = sandboxPlan(policy, PLACE, facts);
    if (plan.kind === "refused") throw new Error(plan.why);
    const listings = new Map(listed(world, landlockListings(plan)));
    listings.set(W, [...(listings.get(W) ?? []), { name: "dev.sock", type: "socket" }]);
    const found = landlockAlone(plan, { abi: 7, listings, temporary: "/tmp/own" });
    expect(found.kind === "rules" && found.landlock.rules).toContainEqual({ path: W, grant: "write" });
  });

  it("refuses a kernel that could not keep files from being truncated", () => {
    const plan = planOf(policyWith({}), world);
    expect(landlockAlone(plan, { abi: 2, listings: new Map(), temporary: "/tmp/own" })).toMatchObject({
      kind: "refused",
      why: "Landlock of this kernel has ABI 2, 3 is needed without namespaces",
    });
  });

  it("grants nothing that the plan denies, whatever is denied and allowed", () => {
    const paths = fc.constantFrom(
      ...Object.keys(world).filter((path) => path !== "/"),
      "/home/u",
      W,
      `${W}/deep`,
    );
    const lists = fc.array(paths, { maxLength: 4 });
    fc.assert(
      fc.property(lists, lists, lists, (allowWrite, denyWrite, denyRead) => {
        const policy = policyWith({ sandbox: { allowWrite, denyWrite, denyRead } });
        const planned = sandboxPlan(policy, PLACE, factsOf(policy, world));
        if (planned.kind === "refused") return;
        const listings = listed(world, landlockListings(planned));
        const found = landlockAlone(planned, { abi: 7, listings, temporary: "/tmp/own" });
        if (found.kind === "refused") return;
        const soft = new Set(planned.protected.map(({ path }) => path));
        for (const path of [...Object.keys(world), `${W}/new`, "/home/u/new", "/etc/new"]) {
          const grants = granted(found.landlock, path);
          const access = accessAt(planned.mounts, path);
          if (access === "hidden" || access === "private") expect([path, grants]).toEqual([path, []]);
          const inSoft = [...soft].some((each) => isWithin(path, each)) || soft.has(parentOf(path));
          const denied = denyWrite.some((each) => isWithin(each, W) && isWithin(path, each));
          if (access === "read-only" && (denied || !inSoft))
            expect([path, grants.filter((grant) => grant !== "read")]).toEqual([path, []]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
