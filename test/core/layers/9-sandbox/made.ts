import type {
  FileType,
  GitDir,
  Place,
  SandboxFacts,
  SandboxNeeds,
  Seen,
  Sighting,
  Survey,
} from "../../../../src/core/layers/9-sandbox/facts.ts";
import type { SandboxLists } from "../../../../src/core/layers/9-sandbox/needs.ts";
import { exactPath, matcherOf } from "../../../../src/core/layers/9-sandbox/mark.ts";
import { sandboxNeeds } from "../../../../src/core/layers/9-sandbox/needs.ts";
import { NO_HOOKS } from "../../../../src/core/settings/hooks.ts";
import type { Policy } from "../../../../src/core/settings/policy.ts";

/** A machine for the pure plan: paths and their types; nothing is looked up. */

export const PLACE: Place = {
  root: "/home/u/ws",
  cwd: "/home/u/ws",
  home: "/home/u",
  state: "/home/u/.local/state/cordon",
  user: { uid: 1000, gid: 1000 },
};

export const LISTS: SandboxLists = {
  credential: [
    { pattern: "~/.ssh/", except: ["known_hosts", "*.pub"], why: "keys" },
    { pattern: "~/.netrc", why: "passwords" },
    { pattern: "/etc/shadow", why: "hashes" },
  ],
  protected: [
    { pattern: ".git/hooks/", why: "git runs these", sandbox: "read-only" },
    { pattern: ".vscode/", why: "tasks" },
    { pattern: ".mcp.json", why: "servers" },
    { pattern: ".claude/", except: [".claude/plans/"], why: "an agent's" },
  ],
  agentConfig: [{ pattern: ".claude/settings.json", why: "rights" }],
  guard: [{ pattern: ".cordon/", why: "the guard" }],
};

export function policyWith(change: {
  readonly rules?: Policy["rules"];
  readonly directories?: readonly string[];
  readonly sandbox?: Partial<Policy["sandbox"]>;
  readonly limits?: Policy["cordon"]["limits"];
  readonly block?: boolean;
  readonly allowedDirectories?: readonly string[];
}): Policy {
  return {
    fingerprint: "",
    hooks: NO_HOOKS,
    rules: change.rules ?? [],
    mode: { value: "default" },
    directories: change.directories ?? [],
    managed: {
      notEnforced: [],
      allowedDirectories:
        change.allowedDirectories === undefined
          ? undefined
          : { globs: change.allowedDirectories, origin: { scope: "managed" } },
    },
    limitsOfPaths: {
      protectedPaths: [],
      runsLater: [],
      secretPaths: [],
      blockReadsOutside: change.block === true ? { scope: "user" } : undefined,
    },
    sandbox: {
      enabled: true,
      failIfUnavailable: false,
      autoAllowBashIfSandboxed: false,
      allowUnsandboxedCommands: false,
      allowWrite: [],
      denyWrite: [],
      denyRead: [],
      allowRead: [],
      allowedDomains: [],
      deniedDomains: [],
      ...change.sandbox,
    },
    cordon: {
      approvalTimeout: 60,
      audit: { required: false },
      hook: { autoApprove: false, rewriteIntoSandbox: false },
      limits: change.limits ?? {},
    },
    problems: [],
    ignored: { rules: 0, files: [] },
  };
}

/** What stands on the machine: a path, its type, and where a link leads. */
export type World = Readonly<
  Record<
    string,
    | FileType
    | {
        readonly link: string;
        readonly type: FileType;
        /** Where it leads in the end; absent = where its text says. */
        readonly real?: string;
        readonly targetId?: string;
      }
  >
>;

export const WORLD: World = {
  "/bin": { link: "/usr/bin", type: "directory" },
  "/etc": "directory",
  "/etc/shadow": "file",
  "/home/u": "directory",
  "/home/u/.ssh": "directory",
  "/home/u/.ssh/id_rsa": "file",
  "/home/u/.ssh/known_hosts": "file",
  "/home/u/ws": "directory",
  "/run": "directory",
  "/tmp": "directory",
  "/usr": "directory",
  "/var/run": { link: "/run", type: "directory" },
  "/var/tmp": "directory",
};

export function seen(world: World, path: string, id: string = path): Seen {
  const there = world[path];
  if (there === undefined) return { path, real: path, type: "absent", id: "", stamp: "" };
  if (typeof there === "string") return { path, real: path, type: there, id, stamp: "1" };
  const { link, type, real = link, targetId } = there;
  return { path, real, link, type, id, stamp: "1", ...(targetId === undefined ? {} : { targetId }) };
}

/** The survey a faithful host would make of the world. */
export function surveyOf(world: World, needs: SandboxNeeds, gits: readonly GitDir[] = []): Survey {
  const match = matcherOf(needs.marks);
  const sightings = Object.keys(world).flatMap((path): readonly Sighting[] => {
    const at = seen(world, path);
    const cut = path.lastIndexOf("/");
    const inside = needs.roots.some((root) => path.startsWith(`${root.path}/`));
    const found = match(cut === 0 ? "/" : path.slice(0, cut), path.slice(cut + 1));
    return needs.marks.flatMap((mark, index) => {
      if (exactPath(mark) !== path && !(inside && found.includes(index))) return [];
      const children = Object.keys(world).filter((child) => child.startsWith(`${path}/`));
      const open = children.filter((child) =>
        mark.except.some((name) => child.endsWith(`/${name.replace("*", "")}`)),
      );
      return [{ ...at, mark: index, open, closed: children.filter((child) => !open.includes(child)) }];
    });
  });
  return { sightings, gits, gitLinks: [], sockets: [], unread: [], complete: true };
}

export function factsOf(
  policy: Policy,
  world: World = WORLD,
  change: Partial<SandboxFacts> & { readonly place?: Place } = {},
): SandboxFacts {
  const place = change.place ?? PLACE;
  const needs = sandboxNeeds(policy, place, LISTS);
  return {
    needs,
    roots: needs.roots.map(({ path }) => seen(world, path)),
    cwd: seen(world, place.cwd),
    checkout: needs.checkout.map((path) => seen(world, path)),
    survey: surveyOf(world, needs),
    paths: needs.paths.map((path) => seen(world, path)),
    sockets: [],
    environment: { PATH: "/usr/bin", HOME: place.home },
    hardLimits: {},
    machine: { arch: "x64", bash: "/usr/bin/bash", prlimit: "/usr/bin/prlimit" },
    owner: { uid: place.user.uid, gid: place.user.gid, reaches: true },
    ...change,
  };
}
