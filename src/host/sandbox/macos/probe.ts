import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { markOfEntry } from "../../../core/layers/9-sandbox/mark.ts";
import type { Mount, SandboxPlan } from "../../../core/layers/9-sandbox/plan.ts";
import { seatbeltProfile } from "../../../core/layers/9-sandbox/seatbelt.ts";
import type { Rung } from "../../../core/settings/policy.ts";
import type { Probe } from "../linux/probe.ts";
import { SANDBOX_EXEC, seatbeltArguments } from "./seatbelt.ts";

/** Milliseconds after which a sandbox that says nothing counts as broken. */
const PATIENCE = 10_000;

/** Why Seatbelt cannot be used; undefined where it was seen to hold. */
export interface SeatbeltFault {
  readonly why: string;
  readonly cure: string;
}

/**
 * Tries a profile of the kind that commands get: what has to work works, and writes outside, masked
 * reads, protected names, second names and connections are refused. Trusts nothing that is merely
 * installed.
 */
export function seatbeltFault(program: string = SANDBOX_EXEC): SeatbeltFault | undefined {
  const stat = statSync(program, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile())
    return {
      why: `${program} does not exist`,
      cure: "it is part of macOS; reinstall the system's command-line programs",
    };
  if (stat.uid !== 0 || (stat.mode & 0o022) !== 0)
    return {
      why: `${program} can be changed by others than root`,
      cure: "reinstall the system's command-line programs",
    };
  const base = realpathSync(mkdtempSync(join(tmpdir(), "cordon-trial-")));
  try {
    return trial(program, base);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function trial(program: string, base: string): SeatbeltFault | undefined {
  const [workspace, temporary, outside] = ["workspace", "temporary", "outside"].map((name) =>
    join(base, name),
  );
  if (workspace === undefined || temporary === undefined || outside === undefined) return undefined;
  for (const directory of [workspace, temporary, outside]) mkdirSync(directory);
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(outside, "file"), "as it was");
  const profile = seatbeltProfile(trialPlan(workspace, join(outside, "secret")), { temporary });
  const script = `echo made > made && echo made > "$2/made" || exit 40
(echo changed > "$1/file") 2>/dev/null
(ln "$1/file" third && echo changed > third) 2>/dev/null
(mkdir .vscode; mkdir -p a/.VSCODE) 2>/dev/null
cat "$1/secret" 2>/dev/null
(echo > /dev/tcp/127.0.0.1/9) 2>&1 | grep -q "not permitted" || echo connected
exit 41`;
  const ran = spawnSync(
    program,
    [
      ...seatbeltArguments(profile),
      "/bin/bash",
      "--noprofile",
      "--norc",
      "-c",
      script,
      "bash",
      outside,
      temporary,
    ],
    { cwd: workspace, env: { PATH: "/usr/bin:/bin" }, timeout: PATIENCE, encoding: "utf8" },
  );
  if (ran.status !== 41)
    return {
      why: `sandbox-exec does not run a command: ${(ran.stderr ?? "").trim() || String(ran.error ?? ran.status)}`,
      cure: "a sandbox inside of another one cannot be made; start outside of it, or report the message",
    };
  const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
  const open = [
    readFileSync(join(outside, "file"), "utf8") === "as it was" ? [] : ["files outside can be written"],
    exists(join(workspace, ".vscode")) || exists(join(workspace, "a/.VSCODE"))
      ? ["protected names can be made"]
      : [],
    ran.stdout.includes("secret") ? ["hidden files can be read"] : [],
    ran.stdout.includes("connected") ? ["connections are not refused"] : [],
  ].flat();
  return open.length === 0
    ? undefined
    : { why: `sandbox-exec ran, but ${open.join(", ")}`, cure: "report this with the version of macOS" };
}

/**
 * The sandbox of macOS, where it was seen to hold. It counts as strong as bubblewrap: whoever wants
 * nothing below `native` gets none.
 */
export function findSeatbelt(lowest: Rung | undefined, program?: string): Probe {
  if (lowest === "native")
    return {
      kind: "unavailable",
      why: "the settings want the rung `native`, which macOS does not have",
      cure: "set cordon.sandbox.lowestRung to `bubblewrap`",
    };
  const fault = seatbeltFault(program);
  return fault === undefined
    ? { kind: "available", footing: { rung: "seatbelt", abi: 0, passed: [] } }
    : { kind: "unavailable", ...fault };
}

/** The smallest plan with one of everything that the trial looks at. */
function trialPlan(workspace: string, secret: string): SandboxPlan {
  const mounts: readonly Mount[] = [
    { kind: "ro-bind", from: "/", to: "/", why: "trial" },
    { kind: "dev", to: "/dev", why: "trial" },
    { kind: "bind", from: workspace, to: workspace, why: "trial" },
    { kind: "mask-file", to: secret, why: "trial" },
  ];
  return {
    kind: "plan",
    root: workspace,
    cwd: workspace,
    mounts,
    namespaces: [],
    capabilities: "none",
    network: "none",
    filter: undefined,
    environment: {},
    limits: {
      memory: 1,
      totalMemory: 1,
      memoryBy: "count",
      processes: 1,
      processesBy: "rlimit",
      fileSize: 1,
      openFiles: 1,
      temporary: 1,
      output: 1,
    },
    programs: { bash: "/bin/bash", prlimit: "/bin/bash" },
    protected: [],
    notes: [],
    inspection: {
      needs: {
        roots: [],
        cwd: workspace,
        home: workspace,
        checkout: [],
        marks: [markOfEntry({ pattern: ".vscode/", why: "trial" }, "protected", workspace)],
        paths: [],
        skip: [],
        budget: 0,
      },
      writable: [workspace],
      before: { sightings: [], gits: [], gitLinks: [], sockets: [], unread: [], complete: true },
      watch: [],
      quarantine: workspace,
    },
  };
}
