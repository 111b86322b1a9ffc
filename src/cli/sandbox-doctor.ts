import { parseArgs } from "node:util";
import { ALONE_WITHOUT, allowedRungs, rungLosses } from "../core/layers/9-sandbox/ladder.ts";
import type { Note } from "../core/layers/9-sandbox/plan.ts";
import { LOWEST_RUNG, RUNGS, type Rung } from "../core/settings/policy.ts";
import { createGate } from "../host/gate.ts";
import { type TriedRung, tryRungs } from "../host/sandbox/ladder.ts";
import { type Primitive, lookAtPrimitives } from "../host/sandbox/primitives.ts";
import {
  type Command,
  EXIT,
  type Terminal,
  parseFault,
  pathFrom,
  printable,
  printableJson,
  usageError,
} from "./command.ts";
import { reportProblems, settingsArgument } from "./given-settings.ts";

const HELP = `usage: cordon sandbox doctor [OPTIONS]

Says which sandbox commands get here, tests it, and says what is missing and what that costs: each
rung of the ladder (native, bubblewrap, landlock) with a self-test of its own, each primitive of the
kernel, and the threat classes that lower rungs lose. Runs no command of yours and changes nothing.

options:
  --json           the same as JSON
  --cwd DIR        the project whose settings count
  --settings FILE  settings of the command-line scope: a file, or JSON text
  --no-ambient     read no settings file of the machine, the project or the person

exit status: 0 the best rung is used, 1 a lower one that the settings allow, 2 none: commands are
refused; 64 usage, 78 settings

examples:
  cordon sandbox doctor
  cordon sandbox doctor --json | jq '.primitives[] | select(.state == "missing")'
  cordon sandbox doctor --settings '{"cordon":{"sandbox":{"lowestRung":"landlock"}}}'
`;

/** What is told of one rung. */
interface RungReport {
  readonly rung: Rung;
  readonly works: boolean;
  readonly allowed: boolean;
  readonly why?: string | undefined;
  readonly cure?: string | undefined;
  readonly selfTest?: { readonly probes: number; readonly durationMs: number } | undefined;
  readonly failures?: readonly string[] | undefined;
  readonly loses: readonly Note[];
  readonly without: readonly string[];
}

interface Report {
  /** The one in use; absent = none, and commands are refused. */
  readonly rung?: Rung | undefined;
  readonly lowest: Rung;
  readonly rungs: readonly RungReport[];
  readonly primitives: readonly Primitive[];
}

export const command: Command = {
  name: "sandbox doctor",
  summary: "say what the sandbox stops here, and what is missing",
  help: HELP,
  async run(argv, io) {
    let values;
    try {
      ({ values } = parseArgs({
        args: [...argv],
        options: {
          json: { type: "boolean" },
          cwd: { type: "string" },
          settings: { type: "string" },
          "no-ambient": { type: "boolean" },
        },
      }));
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      return usageError(io, "sandbox doctor", fault);
    }
    const empty = (["cwd", "settings"] as const).find((name) => values[name] === "");
    if (empty !== undefined) return usageError(io, "sandbox doctor", `--${empty} is empty`);
    const settings = settingsArgument(io, values.settings);
    const gate = createGate({
      cwd: pathFrom(io, values.cwd ?? "."),
      home: io.home,
      settings,
      ambient: values["no-ambient"] !== true,
      env: io.env,
    });
    if (reportProblems(gate, io, { settings })) return EXIT.settings;
    const { bwrapPath, lowestRung = LOWEST_RUNG } = gate.policy.sandbox;
    const options = { environment: io.env, home: io.home, lowest: lowestRung, bwrapPath };
    const { parts, rungs } = await tryRungs(options);
    const allowed = allowedRungs(lowestRung);
    const abi = parts.abi();
    const report: Report = {
      rung: rungs.find(({ state }) => state.works && allowed.includes(state.rung))?.state.rung,
      lowest: lowestRung,
      rungs: rungs.map((tried) => reportOf(tried, allowed, abi)),
      primitives: lookAtPrimitives(parts, options),
    };
    if (values.json === true) io.stdout(`${printableJson(JSON.stringify(report, undefined, 2))}\n`);
    else render(report, io);
    return report.rung === undefined ? 2 : report.rung === RUNGS[0] ? 0 : 1;
  },
};

function reportOf({ state, proof }: TriedRung, allowed: readonly Rung[], abi: number): RungReport {
  const { rung } = state;
  return {
    rung,
    works: state.works,
    allowed: allowed.includes(rung),
    ...(state.works ? {} : { why: state.why, cure: state.cure }),
    ...(proof?.kind === "proved"
      ? { selfTest: { probes: proof.probes, durationMs: Math.round(proof.durationMs) } }
      : {}),
    ...(proof?.kind === "failed" ? { failures: proof.failures } : {}),
    loses: rungLosses(rung, abi),
    without: rung === "landlock" ? ALONE_WITHOUT : [],
  };
}

function render({ rung, lowest, rungs, primitives }: Report, io: Terminal): void {
  const line = (text: string): void => io.stdout(`${printable(text)}\n`);
  const hint = (text: string | undefined): void => {
    if (text !== undefined) line(`      cure: ${text}`);
  };
  line(rung === undefined ? "no sandbox: commands are refused" : `commands are confined by the rung ${rung}`);
  line(`the lowest rung allowed is ${lowest} (cordon.sandbox.lowestRung)`);
  line("");
  line("rungs, best first");
  for (const each of rungs) {
    const mark =
      each.rung === rung ? "in use" : each.works ? (each.allowed ? "works" : "works, not allowed") : "no";
    line(`  ${each.rung.padEnd(12)}${mark}`);
    if (each.why !== undefined) line(`      ${each.why}`);
    hint(each.cure);
    if (each.selfTest !== undefined)
      line(`      self-test: ${each.selfTest.probes} probes held, ${each.selfTest.durationMs} ms`);
    for (const { what, loses } of each.loses) if (loses !== "nothing") line(`      loses ${loses}: ${what}`);
    for (const what of each.without) line(`      without ${what}`);
  }
  line("");
  line("primitives");
  for (const { name, state, detail, costs, cure } of primitives) {
    line(`  ${name.padEnd(19)}${state === "there" ? "" : `${state}: `}${detail}`);
    if (costs !== undefined) line(`      costs: ${costs}`);
    hint(cure);
  }
}
