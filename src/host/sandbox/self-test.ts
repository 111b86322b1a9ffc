import { randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { type Server, createServer } from "node:net";
import { join } from "node:path";
import { PATHS } from "../../core/knowledge/paths.gen.ts";
import { buildPolicy } from "../../core/settings/merge.ts";
import type { Policy } from "../../core/settings/policy.ts";
import type { SandboxPlan } from "../../core/layers/9-sandbox/plan.ts";
import type { Place } from "../../core/layers/9-sandbox/facts.ts";
import { SandboxError } from "./error.ts";
import type { Footing } from "./footing.ts";
import { type Sandbox, openSandbox } from "./sandbox.ts";

/** What the self-test found out. */
export type Proof =
  | { readonly kind: "proved"; readonly probes: number; readonly durationMs: number }
  | {
      readonly kind: "failed";
      /** What was not stopped, or did not work; each a few words. */
      readonly failures: readonly string[];
      /** The sandbox could not be built at all; then this says why. */
      readonly broken: boolean;
    };

/** Seconds after which a self-test that does not end has failed. */
const PATIENCE = 10;

/** A stage for the probes: what must be stopped, and who sees from outside whether it was. */
interface Stage {
  readonly base: string;
  readonly workspace: string;
  readonly outside: string;
  readonly protectedFile: string;
  readonly masked: string;
  readonly canary: string;
  readonly socket: string;
  readonly abstract: string;
  /** Connections that reached a server. */
  readonly connected: () => number;
  /** The host's SIGCONT. */
  readonly signalled: () => boolean;
  readonly close: () => void;
}

/**
 * Proves a rung: builds the sandbox of a small workspace by the very code that builds all others,
 * tries from inside what it has to stop, and looks from outside whether it was stopped.
 *
 * The launcher makes the probes where there is one, else bash does as many of them. Changes nothing but a
 * directory below `scratch`, which is gone afterwards. Takes some ten milliseconds. Never rejects: a
 * sandbox that cannot be built has failed.
 */
export async function selfTest(
  footing: Footing,
  setup: {
    readonly scratch: string;
    readonly environment: Readonly<Record<string, string | undefined>>;
  },
): Promise<Proof> {
  const started = performance.now();
  let stage: Stage | undefined;
  let sandbox: Sandbox | undefined;
  try {
    stage = await openStage(setup.scratch, footing.launcher);
    // The stage lies in cordon's state, which variables of the person's may name and so protect.
    const { PATH } = setup.environment;
    sandbox = openSandbox({ footing, lists: PATHS, environment: { PATH } });
    const plan = sandbox.plan(policyOf(stage), placeOf(stage));
    if (plan.kind === "refused") return broken(`${plan.why}; ${plan.hint}`);
    const argv = footing.launcher === undefined ? byBash(plan, stage) : byLauncher(stage);
    const result = await sandbox.run(plan, argv, {
      stdin: "ignore",
      output: "collect",
      timeLimit: PATIENCE,
      outputLimit: 64 * 1024,
    });
    const text = Buffer.from(result.stdout ?? []).toString("latin1");
    if (result.ended !== "exited" || result.status !== 0)
      return broken(`the probes did not end well (status ${result.status})`);
    const failures = judge(plan, stage, text, result.violations.length);
    return failures.length > 0
      ? { kind: "failed", failures, broken: false }
      : { kind: "proved", probes: answersOf(text).size, durationMs: performance.now() - started };
  } catch (error) {
    return broken(
      error instanceof Error ? error.message : String(error),
      error instanceof SandboxError ? error.hint : undefined,
    );
  } finally {
    sandbox?.close();
    stage?.close();
  }
}

function broken(why: string, hint?: string): Proof {
  return { kind: "failed", failures: [hint === undefined ? why : `${why}; ${hint}`], broken: true };
}

async function openStage(scratch: string, launcher: string | undefined): Promise<Stage> {
  const base = realpathSync(mkdtempSync(join(scratch, "self-test-")));
  const seen = { connected: 0, signalled: false };
  const servers: Server[] = [];
  const onSignal = (): void => {
    seen.signalled = true;
  };
  const close = (): void => {
    process.removeListener("SIGCONT", onSignal);
    for (const server of servers) server.close();
    rmSync(base, { recursive: true, force: true });
  };
  try {
    const canary = randomBytes(16).toString("hex");
    const workspace = join(base, "work");
    const stage: Stage = {
      base,
      workspace,
      outside: join(base, "outside"),
      protectedFile: join(workspace, ".mcp.json"),
      masked: join(workspace, "masked"),
      canary,
      socket: join(workspace, "socket"),
      abstract: `cordon-self-test-${canary}`,
      connected: () => seen.connected,
      signalled: () => seen.signalled,
      close,
    };
    mkdirSync(join(workspace, "open"), { recursive: true });
    mkdirSync(join(base, "home"));
    if (launcher !== undefined) {
      copyFileSync(launcher, join(workspace, "probe"));
      chmodSync(join(workspace, "probe"), 0o755);
    }
    writeFileSync(stage.outside, "");
    writeFileSync(stage.protectedFile, "{}\n");
    writeFileSync(stage.masked, `${canary}\n`);
    process.on("SIGCONT", onSignal);
    for (const path of [stage.socket, `\0${stage.abstract}`]) {
      const server = createServer((connection) => {
        seen.connected += 1;
        connection.destroy();
      });
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ path }, resolve);
      });
      server.unref();
    }
    return stage;
  } catch (error) {
    close();
    throw error;
  }
}

function policyOf({ workspace, base, masked }: Stage): Policy {
  const strict = buildPolicy([], { root: workspace, home: join(base, "home"), cwd: workspace }, "");
  return { ...strict, sandbox: { ...strict.sandbox, denyRead: [masked] } };
}

function placeOf({ workspace, base }: Stage): Place {
  return {
    root: workspace,
    cwd: workspace,
    home: join(base, "home"),
    state: join(base, "state"),
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  };
}

function byLauncher(stage: Stage): readonly string[] {
  return [
    join(stage.workspace, "probe"),
    "probe",
    `write=${join(stage.workspace, "open/ran")}`,
    `outside=${stage.outside}`,
    `protected=${stage.protectedFile}`,
    `read=${stage.masked}`,
    `connect=${stage.socket}`,
    `abstract=${stage.abstract}`,
    `continue=${process.pid}`,
    `trace=${process.pid}`,
    "datagrams",
    "mount",
    "user-namespace",
    "mount-namespace",
    "processes",
    "rights",
    "privileges",
    "filter",
  ];
}

/** The same by programs that every system has, as far as they go. */
function byBash({ programs }: SandboxPlan, stage: Stage): readonly string[] {
  return [
    programs.bash,
    "--noprofile",
    "--norc",
    "-c",
    BASH,
    "probe",
    stage.workspace,
    stage.outside,
    String(process.pid),
  ];
}

const BASH = `
exec 2>/dev/null
say() { printf '%s %s\\n' "$1" "$2"; }
x() { local name=$1; shift; "$@"; say "$name" $?; }
put() { printf x >>"$1"; }
cd "$1"
x write put open/ran
x outside put "$2"
x protected put .mcp.json
content=$(<masked); say read $?; say content "$content"
[[ -S socket ]]; say connect $?
grep -q cordon-self-test- /proc/net/unix; say abstract $?
x continue kill -CONT "$3"
x mount mount -t tmpfs none /tmp
x user-namespace unshare -U true
x mount-namespace unshare -m true
n=0; for p in /proc/[1-9]*; do n=$((n+1)); done; say processes $n
rights=0
while read -r key value rest; do
  case $key in
    CapInh:|CapPrm:|CapEff:|CapBnd:) [[ $value == *[!0]* ]] && rights=1 ;;
    NoNewPrivs:) say privileges "$value" ;;
    Seccomp:) say filter "$value" ;;
  esac
done </proc/self/status
say rights $rights
`;

function answersOf(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(/^([a-z-]+) (-?\d+)$/gm)].map((match) => [match[1] ?? "", Number(match[2])]),
  );
}

/** What was not stopped. Nothing said of a probe counts as not stopped. */
function judge(plan: SandboxPlan, stage: Stage, text: string, violations: number): readonly string[] {
  const answers = answersOf(text);
  const failures: string[] = [];
  const expect = (held: boolean, what: string): void => {
    if (!held) failures.push(what);
  };
  const refused = (name: string): boolean => (answers.get(name) ?? 0) !== 0;
  const alone = plan.rung === "landlock";
  const signals = !alone || plan.landlock?.scopes.includes("signal") === true;
  const content = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  expect(content(join(stage.workspace, "open/ran")) === "x", "a file cannot be written in the workspace");
  // Where the place is covered by a private one, writing there works and reaches nobody.
  expect(answers.has("outside") && content(stage.outside) === "", "a file outside was written");
  if (!alone) expect(refused("protected") && violations === 0, "a protected file was written");
  expect(content(stage.protectedFile) === "{}\n", "a protected file was left changed");
  expect(refused("read") && !text.includes(stage.canary), "a masked file was read");
  expect(refused("connect") && stage.connected() === 0, "a unix socket outside was connected to");
  expect(refused("abstract") && stage.connected() === 0, "an abstract socket outside was connected to");
  if (signals) expect(refused("continue") || !stage.signalled(), "a process outside was signalled");
  if (answers.has("trace")) expect(refused("trace"), "a process outside was traced");
  expect(refused("mount"), "something was mounted");
  expect(refused("user-namespace"), "a user namespace was made");
  expect(refused("mount-namespace"), "a mount namespace was made");
  const processes = answers.get("processes") ?? Infinity;
  expect(alone ? processes < 0 : processes > 0 && processes <= 4, "processes outside are visible");
  expect(answers.get("rights") === 0, "capabilities are left");
  expect(answers.get("privileges") === 1, "new privileges can be had");
  if (plan.filter !== undefined) {
    expect(answers.get("filter") === 2, "there is no filter of system calls");
    if (answers.has("datagrams")) expect(refused("datagrams"), "the filter of system calls is not cordon's");
  }
  return failures;
}
