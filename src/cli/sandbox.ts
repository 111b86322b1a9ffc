import { parseArgs } from "node:util";
import type { SandboxPlan } from "../core/layers/9-sandbox/plan.ts";
import type { SandboxResult } from "../core/layers/9-sandbox/result.ts";
import { PATHS } from "../core/knowledge/paths.gen.ts";
import { createGate } from "../host/gate.ts";
import { SandboxError } from "../host/sandbox/error.ts";
import { shellCommand } from "../host/sandbox/linux/arguments.ts";
import { probeSandbox } from "../host/sandbox/linux/probe.ts";
import { openSandbox, placeOf } from "../host/sandbox/sandbox.ts";
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

Runs a command in the OS sandbox: writes stay in the project and a private temporary directory,
credential stores are hidden, there is no network. No rules are consulted and nobody is asked.
One argument is shell text; several are a program and its arguments.

options:
  --cwd DIR        directory to run in
  --root DIR       the project: what may be written (default: --cwd)
  --settings FILE  settings of the command-line scope: a file, or JSON text
  --no-ambient     read no settings file of the machine, the project or the person
  --plan           print the plan as JSON and run nothing

exit status: the command's own, 128+n for a signal; 126 the sandbox cannot be built, 127 not found,
64 usage, 78 settings

examples:
  cordon sandbox -- npm test
  cordon sandbox -- 'echo hi > note.txt; cat ~/.ssh/id_rsa'
  cordon sandbox --plan -- true
`;

export const command: Command = {
  name: "sandbox",
  summary: "run a command in the sandbox, no questions",
  help: HELP,
  async run(argv, io) {
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
    const empty = (["cwd", "root", "settings"] as const).find((name) => values[name] === "");
    if (empty !== undefined) return usageError(io, "sandbox", `--${empty} is empty`);
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
    const probe = probeSandbox({ bwrapPath: gate.policy.sandbox.bwrapPath });
    if (probe.kind === "unavailable") return cannot(io, probe.why, probe.cure);
    const sandbox = openSandbox({ bubblewrap: probe.bubblewrap, lists: PATHS, environment: io.env });
    const plan = sandbox.plan(gate.policy, placeOf(gate.root, gate.cwd, io.env));
    if (plan.kind === "refused") return cannot(io, plan.why, plan.hint);
    if (values.plan === true) {
      io.stdout(`${printableJson(JSON.stringify(shownPlan(plan), undefined, 2))}\n`);
      return EXIT.ok;
    }
    try {
      const words = more.length === 0 ? shellCommand(plan, text) : [text, ...more];
      return reportResult(await sandbox.run(plan, words, { signal: io.interrupted }), io);
    } catch (error) {
      if (error instanceof SandboxError) return cannot(io, error.message, error.hint);
      throw error;
    }
  },
};

function cannot(io: Terminal, why: string, hint: string): number {
  io.stderr(`cordon sandbox: ${printable(why)}\n  hint: ${printable(hint)}\n`);
  return EXIT.refused;
}

/** Tells what a sandboxed command was kept from and returns its status. */
export function reportResult(result: SandboxResult, io: Terminal): number {
  for (const { limit, allowed } of result.limits)
    io.stderr(`cordon: ended by its ${limit} limit (${allowed})\n`);
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
