import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { Policy } from "../../../src/core/settings/policy.ts";
import { buildPolicy } from "../../../src/core/settings/merge.ts";
import type { SettingsSource } from "../../../src/core/settings/source.ts";
import { type Gate, gateFor } from "../../../src/host/gate.ts";
import { placeOf } from "../../../src/host/sandbox/sandbox.ts";
import { builtInTables } from "../../../src/host/tables.ts";

/** Machines and settings made by chance: real directories below one of their own, and what rules say of them. */

/** Directories of a machine, below its base. */
export const PLACES = ["ws", "home", "more", "out"] as const;
type PlaceName = (typeof PLACES)[number];

interface Entry {
  readonly at: readonly string[];
  readonly kind: "file" | "directory" | "repository" | "bare" | "worktree" | "link";
  readonly target: readonly string[];
}

/** A machine as data. Paths are segments below its base. */
export interface Drawn {
  readonly entries: readonly Entry[];
  readonly user: Settings;
  readonly project: Settings;
  readonly managed: Settings;
  readonly below: boolean;
  /** Where `GNUPGHOME` puts keys, if anywhere. */
  readonly moved: boolean;
}

interface Settings {
  readonly deny: readonly (readonly [tool: string, pattern: string])[];
  readonly ask: readonly (readonly [tool: string, pattern: string])[];
  readonly allow: readonly (readonly [tool: string, pattern: string])[];
  readonly denyRead: readonly string[];
  readonly allowRead: readonly string[];
  readonly allowWrite: readonly string[];
  readonly denyWrite: readonly string[];
  readonly directories: readonly string[];
  readonly protectedPaths: readonly string[];
  readonly lock: readonly string[];
  readonly block: boolean;
}

const NAMES = [
  ..."a b src deep secrets .env .env.local key.pem x.lock conf node_modules [x] A".split(" "),
  "a b",
  "\u{1F511}.pem",
];
/** Names that mean something by themselves. */
const MEANING = [".mcp.json", ".vscode", ".claude", ".cordon", ".bashrc", "opencode.json", ".husky"];
const STORES = [".ssh/id_rsa", ".ssh/known_hosts", ".netrc", ".aws/credentials", ".config/gh/hosts.yml"];
/** What is tried as a new file in every directory. */
export const NEW: readonly string[] = ["new", "new.pem", "new.lock", ".env.new", ".envrc", "opencode.jsonc"];

const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...MEANING) },
);
const place = fc.constantFrom<PlaceName>("ws", "ws", "ws", "home", "more", "out");
const path = fc
  .tuple(place, fc.array(name, { minLength: 1, maxLength: 3 }))
  .map(([top, rest]) => [top, ...rest]);
const entry: fc.Arbitrary<Entry> = fc.record({
  at: path,
  kind: fc.constantFrom<Entry["kind"]>(
    ..."file file file file directory link link repository bare worktree".split(" ").map(kindOf),
  ),
  target: fc.oneof(
    path,
    place.map((top) => [top]),
  ),
});

function kindOf(text: string): Entry["kind"] {
  switch (text) {
    case "directory":
    case "link":
    case "repository":
    case "bare":
    case "worktree":
      return text;
    default:
      return "file";
  }
}

const piece = fc.oneof(
  { weight: 3, arbitrary: name.map((text) => text.replace(/[*?[\]\\]/g, "\\$&")) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ..."* ** *.pem *.lock .env* ?.pem [a-c] [!a] [[:alpha:]] s* *e* a** \\a *] [x [\\]a] {a,b} .env.* [x]".split(
        " ",
      ),
    ),
  },
);
const body = fc
  .tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), fc.constantFrom("", "", "", "/", "/**", "/*"))
  .map(([pieces, tail]) => pieces.join("/") + tail);
/** `@` is the base of the machine, which is known once it is made. */
const pattern = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        "",
        "",
        "./",
        "/",
        "**/",
        "~/",
        "../",
        "../ws/",
        "//@/ws/",
        "//@/out/",
        "//@/",
        "//@/home/",
      ),
      body,
    )
    .map(([anchor, rest]) => anchor + rest),
  fc.constantFrom(
    "**",
    "/**",
    "//@/**",
    "//@/ws",
    "//@/ws/**",
    "//@/more",
    "//@/*",
    "~/.ssh/**",
    "~/.ssh/id_rsa",
  ),
);
const rule = (...tools: readonly string[]): fc.Arbitrary<readonly [string, string]> =>
  fc.tuple(fc.constantFrom(...tools), pattern);
/** A path of a setting: a literal or a pattern below the base. */
const plain = path.map((segments) => `@/${segments.join("/")}`);
const either = fc.oneof(
  plain,
  fc.tuple(place, body).map(([top, rest]) => `@/${top}/${rest}`),
  body.map((rest) => `@/ws/**/${rest}`),
);
const few = <T>(item: fc.Arbitrary<T>, maxLength = 2): fc.Arbitrary<T[]> => fc.array(item, { maxLength });
const rarely = <T>(value: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });

const settings: fc.Arbitrary<Settings> = fc.record({
  deny: few(rule("Read", "Edit", "Write"), 3),
  ask: few(rule("Read", "Edit"), 1),
  allow: few(rule("Read", "Edit"), 2),
  denyRead: few(either, 1),
  allowRead: few(plain, 2),
  allowWrite: few(fc.oneof(plain, fc.constantFrom("@/out", "@/more", "@/home")), 1),
  denyWrite: few(either, 1),
  directories: few(fc.oneof(fc.constantFrom("@/more", "@/more/a"), plain), 2),
  protectedPaths: few(
    fc.oneof(
      body,
      name,
      body.map((rest) => `~/${rest}`),
    ),
    1,
  ),
  lock: rarely(few(fc.constantFrom("@/ws", "@/**", "@/more", "@/w*", "@/ws/**"), 2), []),
  block: rarely(fc.constant(true), false),
});

/** One machine with its settings. */
export const drawn: fc.Arbitrary<Drawn> = fc.record({
  entries: fc.array(entry, { minLength: 2, maxLength: 14 }),
  user: settings,
  project: settings,
  managed: settings,
  below: rarely(fc.constant(true), false),
  moved: rarely(fc.constant(true), false),
});

/** A machine that was made. */
export interface Machine {
  readonly base: string;
  readonly ws: string;
  /** The repository of which the workspace may be a linked working tree. */
  readonly behind: string;
  readonly policy: Policy;
  readonly gate: Gate;
  readonly environment: Readonly<Record<string, string>>;
  readonly place: ReturnType<typeof placeOf>;
  readonly close: () => void;
}

/** What every file holds: nothing else on the machine says the same. */
export function contentOf(file: string): string {
  return `<<${file}>>\n`;
}

/** Makes the directories and the gate. What does not fit (a file below a file) is left out. */
export function make(drawing: Drawn): Machine {
  // Not below a directory for temporary files, which is private inside.
  const parent = process.getuid?.() === 0 ? "/var/lib" : homedir();
  const base = realpathSync(mkdtempSync(join(parent, "cordon-agree-")));
  const at = (segments: readonly string[]): string => join(base, ...segments);
  const put = (file: string): void => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contentOf(file), { flag: "wx" });
  };
  for (const top of [...PLACES, "ws/sub"]) mkdirSync(join(base, top));
  for (const store of STORES) put(join(base, "home", store));
  put(join(base, "out/keys/private.key"));
  for (const each of drawing.entries) attempt(() => build(each, at, put));
  const environment = {
    PATH: "/usr/bin:/bin",
    HOME: join(base, "home"),
    XDG_STATE_HOME: join(base, "state"),
    ...(drawing.moved ? { GNUPGHOME: join(base, "out/keys") } : {}),
  };
  const ws = join(base, "ws");
  const cwd = drawing.below ? join(ws, "sub") : ws;
  const where = { root: ws, cwd, home: environment.HOME };
  const policy = buildPolicy(sourcesOf(drawing, base), where, "");
  return {
    base,
    ws,
    behind: join(base, "out/behind/.git"),
    policy,
    gate: gateFor(policy, where, environment, builtInTables()),
    environment,
    place: placeOf(ws, cwd, environment),
    close: () => rmSync(base, { recursive: true, force: true }),
  };
}

function build(
  { at: segments, kind, target }: Entry,
  at: (segments: readonly string[]) => string,
  put: (file: string) => void,
): void {
  const where = at(segments);
  switch (kind) {
    case "file":
      return put(where);
    case "directory":
      mkdirSync(where, { recursive: true });
      return;
    case "link":
      mkdirSync(dirname(where), { recursive: true });
      return symlinkSync(at(target), where);
    case "repository":
      return repository(join(where, ".git"), put);
    case "bare":
      return repository(where, put);
    case "worktree": {
      // The workspace is a linked working tree of a repository elsewhere, which names it in turn.
      const behind = join(at(["out", "behind"]), ".git");
      repository(behind, put);
      const own = join(behind, "worktrees/ws");
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, "HEAD"), "ref: refs/heads/w\n");
      writeFileSync(join(own, "commondir"), "../..\n");
      writeFileSync(join(own, "gitdir"), `${at(["ws", ".git"])}\n`);
      writeFileSync(at(["ws", ".git"]), `gitdir: ${own}\n`, { flag: "wx" });
    }
  }
}

function repository(git: string, put: (file: string) => void): void {
  for (const each of ["objects", "refs/heads", "hooks", "info"])
    mkdirSync(join(git, each), { recursive: true });
  writeFileSync(join(git, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(git, "config"), "[core]\n\tbare = false\n");
  put(join(git, "hooks/pre-commit"));
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // A file stands where a directory would have to be, or something has the name.
  }
}

function sourcesOf({ user, project, managed }: Drawn, base: string): readonly SettingsSource[] {
  const source = (scope: "user" | "project" | "managed", drawing: Settings): SettingsSource => {
    const full = (text: string): string => text.replace("@", base);
    const list = (rules: Settings["deny"]): readonly string[] =>
      rules.map(([tool, text]) => `${tool}(${text.replace("//@", `/${base}`)})`);
    const anchor = scope === "user" ? join(base, "home/.claude") : join(base, "ws");
    const { deny, ask, allow, block, lock } = drawing;
    const isManaged = scope === "managed";
    const text = JSON.stringify({
      permissions: {
        deny: list(deny),
        ask: list(ask),
        allow: list(allow),
        additionalDirectories: drawing.directories.map(full),
        ...(block ? { blockReadsOutsideWorkingDirectories: true } : {}),
      },
      sandbox: {
        filesystem: {
          denyRead: drawing.denyRead.map(full),
          allowRead: drawing.allowRead.map(full),
          allowWrite: drawing.allowWrite.map(full),
          denyWrite: drawing.denyWrite.map(full),
        },
      },
      cordon: { protectedPaths: drawing.protectedPaths },
      ...(isManaged && lock.length > 0 ? { allowedDirectories: lock.map(full) } : {}),
    });
    return { scope, trusted: true, repository: scope === "project", anchor, base: anchor, text };
  };
  return [source("managed", managed), source("project", project), source("user", user)];
}
