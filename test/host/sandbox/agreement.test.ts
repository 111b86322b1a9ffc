import {
  existsSync,
  lstatSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, matchGlob } from "../../../src/core/call/glob.ts";
import type { Opinion } from "../../../src/core/call/opinion.ts";
import { isWithin } from "../../../src/core/call/path.ts";
import { type Access, accessAt } from "../../../src/core/layers/9-sandbox/access.ts";
import { aftermath } from "../../../src/core/layers/9-sandbox/aftermath.ts";
import type { SandboxPlan } from "../../../src/core/layers/9-sandbox/plan.ts";
import { PATHS } from "../../../src/core/knowledge/paths.gen.ts";
import { probeSandbox } from "../../../src/host/sandbox/linux/probe.ts";
import { seenAt } from "../../../src/host/sandbox/look.ts";
import { openSandbox } from "../../../src/host/sandbox/sandbox.ts";
import { openSurveyor } from "../../../src/host/sandbox/survey.ts";
import { type Machine, NEW, PLACES, contentOf, drawn, make } from "./agreement-world.ts";

const DEEP = Number(process.env["CORDON_DEEP"] ?? "1");
const SEED = 20_261_121;

/** Every name below the tops, and one step through links to directories. */
function namesOf({ base }: Machine): readonly string[] {
  const walk = (directory: string, steps: number): readonly string[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return [path, ...walk(path, steps)];
      const led = entry.isSymbolicLink() && steps > 0 ? realOf(path) : undefined;
      return led !== undefined && statSync(led).isDirectory() ? [path, ...walk(path, steps - 1)] : [path];
    });
  return PLACES.flatMap((top) => [join(base, top), ...walk(join(base, top), 1)]);
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

type Doing = "Read" | "Edit" | "Write";

/** What the gate holds against a use, answered or not. */
function against({ gate }: Machine, tool: Doing, path: string): readonly Opinion[] {
  const input =
    tool === "Write"
      ? { file_path: path, content: "x" }
      : { file_path: path, old_string: "<", new_string: ">" };
  return gate.decide({ tool, input }).opinions.filter(({ effect }) => effect !== "allow");
}

const denies = (opinions: readonly Opinion[]): readonly Opinion[] =>
  opinions.filter(({ effect }) => effect === "deny");
const told = (opinions: readonly Opinion[]): string =>
  opinions.map(({ code, why }) => `${code}: ${why}`).join("; ");

function planOf(machine: Machine): SandboxPlan | undefined {
  const sandbox = openSandbox({
    bubblewrap: "/usr/bin/bwrap",
    lists: PATHS,
    environment: machine.environment,
  });
  try {
    const plan = sandbox.plan(machine.policy, machine.place);
    return plan.kind === "plan" ? plan : undefined;
  } finally {
    sandbox.close();
  }
}

/** The only differences, each with the reason. What asks in the gate (reads outside, ask rules) is open inside. */
const BY_DESIGN: Readonly<Record<string, (at: Judged) => boolean>> = {
  "the guard is read-only inside, and not unreadable: git reads the `.cordon/settings.json` of a repository":
    ({ doing, said }) => doing === "read" && said.code === "path.guard",
  "what `allowWrite` and `allowRead` name is open inside, also where reads outside are blocked": ({
    machine,
    real,
    doing,
    said,
  }) => {
    const { allowRead, allowWrite } = machine.policy.sandbox;
    const named = doing === "read" ? [...allowRead, ...allowWrite] : allowWrite;
    return /^path\.(?:outside|blocked-outside)$/.test(said.code) && isBelow(real, named);
  },
  "the repository behind a linked working tree is written by commits": ({ machine, real, said }) =>
    /^path\.(?:outside|protected|agent-config)$/.test(said.code) && isWithin(real, machine.behind),
  "a store that a rule opens is open under every name": ({ machine, real, doing, said }) =>
    doing === "read" &&
    said.code === "path.credential" &&
    !denies(against(machine, "Read", real)).some(({ code }) => code === "path.credential"),
  "a rule that names everything in a store opens the directory too": ({ machine, real, doing, said }) =>
    doing === "read" &&
    said.code === "path.credential" &&
    statSync(real).isDirectory() &&
    machine.policy.rules.some(
      ({ effect, tool, text }) => effect === "allow" && tool === "Read" && /\*|\/\)/.test(text),
    ),
  "a pattern from the top of the file system is held below the writable directories only": ({
    plan,
    real,
    said,
  }) => /^[A-Z]\w+\(\/.*[*?[]/.test(said.rule?.text ?? "") && !isBelow(real, plan.inspection.writable),
  "`node_modules` is not searched for names of the lists unless a rule reaches it": ({ plan, real, said }) =>
    plan.inspection.needs.skip.includes("node_modules") &&
    real.includes("/node_modules/") &&
    said.rule === undefined,
  "in a git directory, what git runs is held by its content; its stores are not searched for names": ({
    real,
    doing,
  }) => (doing === "make" || (doing === "write" && !RUN_BY_GIT.test(real))) && inGit(real),
  "a workspace in a protected directory, or to which a protected link leads, is a workspace": ({
    plan,
    real,
    said,
  }) =>
    /^path\.(?:protected|agent-config)$/.test(said.code) &&
    plan.inspection.writable.some((root) => isWithin(root, real)),
};

interface Judged {
  readonly machine: Machine;
  readonly plan: SandboxPlan;
  readonly real: string;
  readonly doing: "read" | "write" | "make";
  readonly said: Opinion;
}

function isMeant(at: Judged): boolean {
  return Object.values(BY_DESIGN).some((meant) => meant(at));
}

function isBelow(real: string, roots: readonly string[]): boolean {
  return roots.some((root) => isWithin(real, realOf(root) ?? root));
}

const RUN_BY_GIT = /\/(?:config|config\.worktree|commondir|hooks|hooks\/[^/]*|info\/attributes)$/;

/** In a directory with the content of a git directory. */
function inGit(path: string): boolean {
  const above = path.split("/").map((_segment, at, all) => all.slice(0, at + 1).join("/"));
  return above.some((each) => existsSync(join(each, "HEAD")) && existsSync(join(each, "refs")));
}

/** The access that a name has inside: a directory on its way, or of a link on its way, may be hidden. */
function accessBy(plan: SandboxPlan, path: string): Access {
  const segments = path.split("/").slice(1);
  const ways = segments.map((_segment, at) => realOf(`/${segments.slice(0, at + 1).join("/")}`) ?? "/");
  const names = segments.map((segment, at) => join(ways[at - 1] ?? "/", segment));
  // Through a directory that is closed but for some entries the way to those is open.
  const leadsOn = (at: string): boolean =>
    plan.mounts.some(({ kind, to }) => (kind === "bind" || kind === "ro-bind") && isWithin(to, at));
  const masked = (at: string): boolean => accessAt(plan.mounts, at) === "hidden" && !leadsOn(at);
  return names.some(masked) ? "hidden" : accessAt(plan.mounts, ways.at(-1) ?? path);
}

function unreadable(machine: Machine, plan: SandboxPlan): readonly string[] {
  return namesOf(machine).flatMap((path) => {
    const real = realOf(path);
    if (real === undefined) return [];
    const denied = denies(against(machine, "Read", path)).filter(
      (said) => !isMeant({ machine, plan, real, doing: "read", said }),
    );
    const access = accessBy(plan, path);
    if (denied.length === 0 || access === "hidden" || access === "private") return [];
    return [`${path} (${real}) is ${access} inside, and the gate denies to read it: ${told(denied)}`];
  });
}

const HELD: ReadonlySet<string> = new Set(["path.guard", "path.protected", "path.agent-config"]);

function writableAgainst(machine: Machine, plan: SandboxPlan): readonly string[] {
  return namesOf(machine).flatMap((path) => {
    const real = realOf(path);
    // By a way through linked directories it is another name of what is judged by its own.
    const way = realOf(dirname(path));
    if (
      real === undefined ||
      way !== dirname(path) ||
      (real !== path && accessAt(plan.mounts, way) !== "writable")
    )
      return [];
    if (accessAt(plan.mounts, real) !== "writable") return [];
    if (plan.inspection.watch.some((seen) => seen.real === real)) return [];
    const about = against(machine, "Edit", path);
    const wrong = about.filter(
      (said) =>
        (said.effect === "deny" || HELD.has(said.code) || (said.code === "path.outside" && real === path)) &&
        !isMeant({ machine, plan, real, doing: "write", said }),
    );
    return wrong.map((each) => `${path} (${real}) is writable inside: ${told([each])}`);
  });
}

/** What settings of the sandbox alone say, by the gate's own reading of patterns. */
function settingsAgainst({ policy, ...machine }: Machine, plan: SandboxPlan): readonly string[] {
  const covers = (patterns: readonly string[], path: string): boolean =>
    patterns.some((text) => {
      const bare = text.replace(/(?:\/\*\*)+\/?$|\/+$/, "");
      return (
        text === path ||
        isWithin(path, text) ||
        [bare, `${bare}/**`].some((each) => matchGlob(compileGlob(each), path))
      );
    });
  const { denyRead, allowRead, denyWrite } = policy.sandbox;
  return namesOf({ policy, ...machine }).flatMap((path) => {
    const real = realOf(path);
    if (real !== path) return [];
    const access: Access = accessAt(plan.mounts, path);
    const opened = allowRead.some((each) => isWithin(path, realOf(each) ?? each));
    const named = policy.rules.some(
      ({ effect, tool, scope }) => effect === "allow" && tool === "Read" && scope !== "project",
    );
    const found: string[] = [];
    if (covers(denyRead, path) && !opened && !named && access !== "hidden" && access !== "private")
      found.push(`denyRead: ${path} is ${access}`);
    if (covers(denyWrite, path) && access === "writable") found.push(`denyWrite: ${path} is ${access}`);
    return found;
  });
}

/** A Read rule hides what it names from the next command; what a command made itself under such a name is its own. */
function isKept({ rule }: Opinion): boolean {
  return rule?.text.startsWith("Read") !== true;
}

/** New files that the gate would not have let a tool write, and that the end of the command does not find. */
function plantedUnfound(machine: Machine, plan: SandboxPlan): readonly string[] {
  const planted: { readonly path: string; readonly said: readonly Opinion[] }[] = [];
  for (const directory of namesOf(machine)) {
    const real = realOf(directory);
    if (real !== directory || !lstatSync(directory).isDirectory()) continue;
    for (const name of NEW) {
      const path = join(directory, name);
      if (
        accessAt(plan.mounts, path) !== "writable" ||
        lstatSync(path, { throwIfNoEntry: false }) !== undefined
      )
        continue;
      const said = against(machine, "Write", path).filter(
        (each) =>
          (each.effect === "deny" || HELD.has(each.code)) &&
          !isMeant({ machine, plan, real: path, doing: "make", said: each }),
      );
      planted.push({ path, said });
    }
  }
  for (const { path } of planted) writeFileSync(path, "planted");
  const after = openSurveyor().survey(plan.inspection.needs, "inspect");
  const found = aftermath(
    plan.inspection,
    after,
    plan.inspection.watch.map((seen) => seenAt(seen.path, true)),
  ).map(({ path }) => path);
  return planted.flatMap(({ path, said }) => {
    const held = said.filter(isKept);
    if (held.length === 0 || found.some((each) => isWithin(path, each))) return [];
    return [`${path} stays: ${told(held)}`];
  });
}

/** Reads and writes everything from inside. */
const TRY = `
for path in "$@"; do [ -f "$path" ] && cat -- "$path"; done
for path in "$@"; do
  if [ -f "$path" ] || [ ! -e "$path" ]; then printf changed >> "$path"; fi
done
true`;

/** The same, told by what a real command could read, and by what stands there when it has ended. */
async function tried(machine: Machine, bubblewrap: string): Promise<readonly string[] | undefined> {
  const sandbox = openSandbox({ bubblewrap, lists: PATHS, environment: machine.environment });
  try {
    const plan = sandbox.plan(machine.policy, machine.place);
    if (plan.kind === "refused") return undefined;
    const there = namesOf(machine).filter((path) => realOf(path) === path);
    const files = there.filter((path) => statSync(path).isFile());
    const made = there
      .filter((path) => statSync(path).isDirectory())
      .flatMap((path) => NEW.map((name) => join(path, name)))
      .filter((path) => !existsSync(path));
    const about = (tool: Doing, doing: Judged["doing"], real: string): readonly Opinion[] =>
      against(machine, tool, real).filter((said) => !isMeant({ machine, plan, real, doing, said }));
    const reads = new Map(files.map((path) => [path, denies(about("Read", "read", path))]));
    const writes = new Map([
      ...files.map((path) => [path, about("Edit", "write", path)] as const),
      ...made.map((path) => [path, about("Write", "make", path).filter(isKept)] as const),
    ]);
    const before = new Map(files.map((path) => [path, readFileSync(path, "utf8")]));
    const argv = [plan.programs.bash, "--noprofile", "--norc", "-c", TRY, "try", ...files, ...made];
    const result = await sandbox.run(plan, argv, { output: "collect" });
    const shown = Buffer.from(result.stdout ?? []).toString("utf8");
    const wrong = files.flatMap((path) => {
      const denied = reads.get(path) ?? [];
      return denied.length > 0 && shown.includes(contentOf(path))
        ? [`${path} was read: ${told(denied)}`]
        : [];
    });
    for (const path of [...files, ...made]) {
      if ((existsSync(path) ? readFileSync(path, "utf8") : undefined) === before.get(path)) continue;
      const held = (writes.get(path) ?? []).filter(
        ({ effect, code }) => effect === "deny" || HELD.has(code) || code === "path.outside",
      );
      if (held.length > 0) wrong.push(`${path} was changed: ${told(held)}`);
    }
    return wrong;
  } finally {
    sandbox.close();
  }
}

describe("gate and plan agree", { timeout: 60_000 * DEEP }, () => {
  it.each([
    ["what the gate denies to read is unreachable inside", unreadable],
    ["what is writable inside is in the gate's scope, and not held by it", writableAgainst],
    ["what settings of the sandbox deny is denied, by the gate's reading of patterns", settingsAgainst],
    ["what was made inside and the gate holds is found afterwards", plantedUnfound],
  ])("%s", (_what, check) => {
    const seen = { planned: 0, refused: 0 };
    fc.assert(
      fc.property(drawn, (drawing) => {
        const machine = make(drawing);
        try {
          const plan = planOf(machine);
          seen[plan === undefined ? "refused" : "planned"] += 1;
          if (plan !== undefined)
            expect(check(machine, plan).map((line) => line.replaceAll(machine.base, "@"))).toEqual([]);
        } finally {
          machine.close();
        }
      }),
      { seed: SEED, numRuns: 100 * DEEP },
    );
    expect(seen.planned).toBeGreaterThan(10 * DEEP);
  });

  it("inside a real sandbox, judged from outside", async () => {
    const probe = probeSandbox();
    if (probe.kind === "unavailable" || probe.bubblewrap === undefined) {
      process.stderr.write("SKIPPED: no bubblewrap, agreement inside a real sandbox was not tried\n");
      return;
    }
    let ran = 0;
    for (const drawing of fc.sample(drawn, { seed: SEED, numRuns: 16 * DEEP })) {
      const machine = make(drawing);
      try {
        const wrong = await tried(machine, probe.bubblewrap);
        if (wrong === undefined) continue;
        ran += 1;
        expect(wrong.map((line) => line.replaceAll(machine.base, "@"))).toEqual([]);
      } finally {
        machine.close();
      }
    }
    expect(ran).toBeGreaterThan(4 * DEEP);
  });
});
