import {
  type BelowFact,
  type BranchFact,
  type Facts,
  type GlobFact,
  NO_FACTS,
  type Need,
  type PathFact,
  type TextFact,
  type TreeFact,
  type UrlFact,
  needKey,
} from "../../../src/core/call/facts.ts";
import type { Decision } from "../../../src/core/call/decision.ts";
import type { JsonObject } from "../../../src/core/call/json.ts";
import { type Mode, modeNamed } from "../../../src/core/call/mode.ts";
import { compileGlob, matchGlob } from "../../../src/core/call/glob.ts";
import { isWithin, normalise } from "../../../src/core/call/path.ts";
import { type GatePlace, judge, prepare } from "../../../src/core/gate.ts";
import { type Inquiry, examine } from "../../../src/core/inquiry/inquiry.ts";
import { needsOf } from "../../../src/core/inquiry/needs.ts";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import { builtInTables } from "../../../src/host/tables.ts";

/** A world that exists only as facts: which files there are, where links lead, which branch is out. */
export interface World {
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly links: Readonly<Record<string, string>>;
  readonly branch?: string | undefined;
  readonly texts?: Readonly<Record<string, string>>;
}

export const ROOT = "/code/project";
export const HOME = "/home/user";

export const PLAIN_WORLD: World = {
  files: [
    "/code/project/README.md",
    "/code/project/package.json",
    "/code/project/.env",
    "/code/project/src/app.ts",
    "/home/user/.ssh/id_rsa",
    "/etc/passwd",
  ],
  directories: [
    "/",
    "/code",
    "/code/project",
    "/code/project/src",
    "/code/project/.git",
    "/home/user",
    "/home/user/.ssh",
    "/etc",
    "/outside",
  ],
  links: { "/code/project/keylink": "/home/user/.ssh/id_rsa", "/code/project/out": "/outside" },
  branch: "feature",
};

const tables = builtInTables();

export interface Setting {
  /** Default: ROOT and HOME. */
  readonly place?: GatePlace;
  readonly settings?: JsonObject;
  readonly managed?: JsonObject;
  readonly user?: JsonObject;
  readonly mode?: Mode | undefined;
  readonly world?: World;
  readonly sandboxed?: boolean;
  readonly facts?: Partial<Facts>;
}

/** Judges one call in a made-up world. */
export function judgeIn(setting: Setting, tool: string, input: JsonObject): Decision {
  const inquiry = inquireIn(setting, tool, input);
  return judge(inquiry, { ...factsIn(setting.world ?? PLAIN_WORLD, needsOf(inquiry)), ...setting.facts });
}

/** What the core reads off the call before it knows anything of the world. */
export function inquireIn(setting: Setting, tool: string, input: JsonObject): Inquiry {
  const place = setting.place ?? { root: ROOT, cwd: ROOT, home: HOME };
  const { root, cwd, home } = place;
  const source = (scope: "managed" | "project" | "user", value: JsonObject | undefined, anchor: string) =>
    value === undefined
      ? []
      : [
          {
            scope,
            text: JSON.stringify(value),
            trusted: true,
            repository: false,
            anchor,
            base: anchor,
          } as const,
        ];
  const policy = buildPolicy(
    [
      ...source("managed", setting.managed, root),
      ...source("project", setting.settings, root),
      ...source("user", setting.user, `${home}/.claude`),
    ],
    place,
    "test",
  );
  const context = prepare(policy, place, tables);
  return examine(context, {
    tool,
    input,
    cwd,
    root,
    home,
    mode: setting.mode,
    sandboxed: setting.sandboxed,
  });
}

export function judgeBash(setting: Setting, command: string): Decision {
  return judgeIn(setting, "Bash", { command });
}

/** The facts a host would find in the world. */
export function factsIn(world: World, needs: readonly Need[]): Facts {
  const paths = new Map<string, PathFact>();
  const globs = new Map<string, GlobFact>();
  const branches = new Map<string, BranchFact>();
  const trees = new Map<string, TreeFact>();
  const below = new Map<string, BelowFact>();
  const texts = new Map<string, TextFact>();
  const urls = new Map<string, UrlFact>();
  for (const need of needs) {
    const key = needKey(need);
    if (need.kind === "path") paths.set(key, lookUp(world, need.path));
    else if (need.kind === "glob") {
      const glob = compileGlob(need.pattern);
      const hidden = /\/\.[^/]*$/.test(need.pattern);
      const matches = [...world.files, ...world.directories, ...Object.keys(world.links)].filter(
        (path) => matchGlob(glob, path) && (hidden || !/\/\.[^/]*$/.test(path)),
      );
      globs.set(key, { kind: "glob", matches, complete: true });
      for (const match of matches) {
        paths.set(`path:${match}`, lookUp(world, match));
        const parent = match.slice(0, match.lastIndexOf("/")) || "/";
        paths.set(`path:${parent}`, lookUp(world, parent));
      }
    } else if (need.kind === "branch") branches.set(key, { kind: "branch", branch: world.branch });
    else if (need.kind === "tree") {
      const files = [...world.files, ...Object.keys(world.links)].filter((file) => isWithin(file, need.dir));
      trees.set(key, { kind: "tree", files, complete: true });
    } else if (need.kind === "below") {
      const all = [...world.files, ...world.directories, ...Object.keys(world.links)];
      const glob = compileGlob(need.path);
      const hidden = /\/\.[^/]*$/;
      const shown = (path: string): boolean => hidden.test(need.path) || !hidden.test(path);
      const roots = need.glob ? all.filter((path) => matchGlob(glob, path) && shown(path)) : [need.path];
      const entries = roots.flatMap((from) => {
        const inside = all.filter((path) => path !== normalise(from) && isWithin(path, normalise(from)));
        return [from, ...inside.map((path) => from + path.slice(normalise(from).length))].map((path) => ({
          from,
          path,
        }));
      });
      below.set(key, { kind: "below", entries, complete: true });
    } else if (need.kind === "text") {
      const text = world.texts?.[need.path];
      texts.set(key, { kind: "text", exists: text !== undefined, text, hash: text });
    } else if (need.kind === "url" && URL.canParse(need.url)) {
      const { protocol, hostname } = new URL(need.url);
      urls.set(key, { kind: "url", protocol, host: hostname });
    }
  }
  return { ...NO_FACTS, paths, globs, branches, trees, below, texts, urls };
}

function lookUp(world: World, path: string): PathFact {
  const hops: string[] = [];
  let real = normalise(path);
  for (const [link, target] of Object.entries(world.links)) {
    if (real === link || real.startsWith(`${link}/`)) {
      hops.push(link);
      real = target + real.slice(link.length);
    }
  }
  const type = world.files.includes(real)
    ? "file"
    : world.directories.includes(real)
      ? "directory"
      : "absent";
  return { kind: "path", real, hops: hops.filter((hop) => hop !== path), type };
}

export { modeNamed };
