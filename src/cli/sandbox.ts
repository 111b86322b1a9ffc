import { parseArgs } from "node:util";
import type { SandboxPlan } from "../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../core/layers/9-sandbox/result.ts";
import { expandHome } from "../core/call/path.ts";
import { limitText } from "../core/layers/9-sandbox/limits.ts";
import { refusalText } from "../core/layers/9-sandbox/refusals.ts";
import { PATHS } from "../core/knowledge/paths.gen.ts";
import { type Gate, createGate } from "../host/gate.ts";
import { SandboxError } from "../host/sandbox/error.ts";
import { shellCommand } from "../host/sandbox/linux/arguments.ts";
import { findSandbox } from "../host/sandbox/ladder.ts";
import { groupParents, warmGroups } from "../host/sandbox/linux/group.ts";
import { type PersonsOpening, planOpened } from "../host/sandbox/openings.ts";
import { openSandbox, placeOf } from "../host/sandbox/sandbox.ts";
import { watchOf } from "../host/sandbox/tail.ts";
import {
  type Command,
  EXIT,
  Interruption,
  type Terminal,
  parseFault,
  pathFrom,
  printable,
  printableJson,
  usageError,
} from "./command.ts";
import { splitAtDashes } from "./command-text.ts";
import { reportProblems, settingsArgument } from "./given-settings.ts";

const HELP = `usage: cordon sandbox [OPTIONS] -- COMMAND [ARGUMENT ...]
       cordon sandbox [OPTIONS] -- 'SHELL TEXT'
       cordon sandbox doctor [OPTIONS]    what holds here, and what is missing
       cordon sandbox test [OPTIONS]      try to break out of it on this machine

Runs a command in the OS sandbox: writes stay in the project and a private temporary directory,
credential stores are hidden, there is no network. No rules are consulted and nobody is asked.
One argument is shell text; several are a program and its arguments.

options:
  --cwd DIR        directory to run in
  --root DIR       the project: what may be written (default: --cwd)
  --settings FILE  settings of the command-line scope: a file, or JSON text
  --no-ambient     read no settings file of the machine, the project or the person
  --write PATH     open this file or directory for writing, for this command; may be repeated
  --read PATH      show this file, which a private directory would hide; may be repeated
  --reason TEXT    why that is needed: shown where an agent asks for it through its hook
  --tty            give the command the terminal itself: pagers and editors work, what it writes is
                   not filtered and what it is refused is not told
  --plan           print the plan as JSON and run nothing
  --platform macos with --plan: print the profile that macOS would be given instead

exit status: the command's own, 128+n for a signal; 126 the sandbox cannot be built, 127 not found,
64 usage, 78 settings

examples:
  cordon sandbox -- npm test
  cordon sandbox -- 'echo hi > note.txt; cat ~/.ssh/id_rsa'
  cordon sandbox --plan -- true
  cordon sandbox doctor
  cordon sandbox test
`;

/** Loaded only when they are run. What stands behind `--` is never one of them. */
const BELOW: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import("./sandbox-doctor.ts")).command,
  test: async () => (await import("./sandbox-test.ts")).command,
};

export const command: Command = {
  name: "sandbox",
  summary: "run a command in the sandbox, no questions",
  help: HELP,
  below: BELOW,
  async run(argv, io) {
    const [first = "", ...others] = argv;
    const below = Object.hasOwn(BELOW, first) ? await BELOW[first]?.() : undefined;
    if (below !== undefined) return below.run(others, io);
    const { own, rest } = splitAtDashes(argv);
    let values;
    try {
      ({ values } = parseArgs({
        args: [...own],
        options: {
          cwd: { type: "string" },
          root: { type: "string" },
          settings: { type: "string" },
          "no-ambient": { type: "boolean" },
          plan: { type: "boolean" },
          platform: { type: "string" },
          write: { type: "string", multiple: true },
          read: { type: "string", multiple: true },
          reason: { type: "string" },
          record: { type: "string" },
          tty: { type: "boolean" },
        },
      }));
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      // Behind `--` nothing is read as an option: there the fault is one of cordon's own options.
      const hint =
        rest === undefined ? "put `--` before the command: `cordon sandbox -- npm test`" : undefined;
      return usageError(io, "sandbox", fault, hint);
    }
    const [text, ...more] = rest ?? [];
    if (text === undefined)
      return usageError(io, "sandbox", "there is no command", "write `cordon sandbox -- npm test`");
    const empty = (["cwd", "root", "settings", "write", "read"] as const).find((name) =>
      [values[name]].flat().includes(""),
    );
    if (empty !== undefined) return usageError(io, "sandbox", `--${empty} is empty`);
    if (values.platform !== undefined && (values.platform !== "macos" || values.plan !== true))
      return usageError(io, "sandbox", "--platform goes with --plan, and is `macos`");
    // The kernel takes its time for this; it passes while everything else is read and planned.
    if (values.plan !== true) warmGroups(groupParents());
    const cwd = pathFrom(io, values.cwd ?? ".");
    const settings = settingsArgument(io, values.settings);
    const gate = createGate({
      cwd,
      root: values.root === undefined ? cwd : pathFrom(io, values.root),
      home: io.home,
      settings,
      ambient: values["no-ambient"] !== true,
      env: io.env,
    });
    if (reportProblems(gate, io, { settings })) return EXIT.settings;
    const { stopped } = gate.policy.managed;
    if (stopped !== undefined) {
      io.stderr(`cordon sandbox: nothing runs until the organisation's policy can be read\n`);
      return EXIT.settings;
    }
    const { bwrapPath, lowestRung } = gate.policy.sandbox;
    const probe = await findSandbox({ bwrapPath, lowest: lowestRung, environment: io.env, home: io.home });
    if (probe.kind === "unavailable") return cannot(io, probe.why, probe.cure);
    const sandbox = openSandbox({ ...probe, lists: PATHS, environment: io.env });
    const place = placeOf(gate.root, gate.cwd, io.env);
    const openings = [
      ...openingsNamed(io, "write", values.write),
      ...openingsNamed(io, "read", values.read),
    ].map((opening) => (values.plan === true ? { ...opening, make: undefined } : opening));
    const { planned: plan, unopened, tidy } = planOpened(sandbox, gate.policy, place, PATHS, openings);
    try {
      if (plan.kind === "refused") return cannot(io, plan.why, plan.hint);
      for (const { grant, why } of unopened)
        io.stderr(`cordon sandbox: ${printable(grant.path)} was not opened: ${printable(why)}\n`);
      if (values.plan === true && values.platform === "macos") {
        io.stdout((await import("./sandbox-profile.ts")).shownProfile(plan));
        return EXIT.ok;
      }
      if (values.plan === true) {
        io.stdout(`${printableJson(JSON.stringify(shownPlan(plan), undefined, 2))}\n`);
        return EXIT.ok;
      }
      const words = more.length === 0 ? shellCommand(plan, text) : [text, ...more];
      const watch = values.tty === true ? "none" : watchOf();
      const result = await sandbox.run(plan, words, { signal: io.interrupted, watch });
      if (values.record !== undefined)
        await recordRun(gate, values.record, text, result, plan.rung ?? "bubblewrap");
      return reportResult(result, io, place.home);
    } catch (error) {
      if (error instanceof SandboxError) return cannot(io, error.message, error.hint);
      throw error;
    } finally {
      tidy();
    }
  },
};

function cannot(io: Terminal, why: string, hint: string): number {
  io.stderr(`cordon sandbox: ${printable(why)}\n  hint: ${printable(hint)}\n`);
  return EXIT.refused;
}

/** Writes what became of a call that the hook decided; trouble with the log changes nothing any more. */
async function recordRun(
  gate: Gate,
  id: string,
  text: string,
  result: SandboxResult,
  rung: SandboxPlan["rung"],
): Promise<void> {
  const { openRecorder } = await import("../host/run/recorder.ts");
  const recorder = openRecorder(gate, "sandbox", Date.now, () => undefined, id);
  recorder.resume(gate.call({ tool: "Bash", input: { command: text }, sandboxed: true }));
  recorder.run(result, rung);
}

/** Paths of `--write` and `--read`; what does not exist is made, a directory where the path ends in `/`. */
function openingsNamed(
  io: Terminal,
  access: "write" | "read",
  paths: readonly string[] | undefined,
): readonly PersonsOpening[] {
  return (paths ?? []).map((path) => ({
    access,
    path: pathFrom(io, expandHome(path, io.home)),
    make: access === "read" ? undefined : path.endsWith("/") ? "directory" : "file",
  }));
}

/** Tells what a sandboxed command was kept from and returns its status. `home` is shown as `~`. */
export function reportResult(result: SandboxResult, io: Terminal, home: string = io.home): number {
  for (const refusal of result.refusals ?? [])
    io.stderr(`cordon: ${printable(refusalText(refusal, home))}\n`);
  for (const limit of result.limits) io.stderr(`cordon: ${limitText(limit)}\n`);
  for (const violation of result.violations) {
    const fate = violation.movedTo === undefined ? (violation.failed ?? "") : `moved to ${violation.movedTo}`;
    const when = violation.earlier === true ? "by an earlier command, " : "";
    io.stderr(
      `cordon: ${when}${violation.kind} ${printable(violation.path)} (${printable(violation.why)})${fate === "" ? "" : `; ${printable(fate)}`}\n`,
    );
  }
  const { reason }: { readonly reason: unknown } = io.interrupted;
  return result.ended === "aborted" && reason instanceof Interruption ? reason.status : result.status;
}

/** The plan without the survey of the workspace, which only the inspection afterwards needs. */
function shownPlan({ inspection, ...plan }: SandboxPlan): unknown {
  return {
    ...plan,
    inspection: {
      writable: inspection.writable,
      quarantine: inspection.quarantine,
      watch: inspection.watch.length,
    },
  };
}
