import { parseArgs } from "node:util";
import { MODES, modeNamed } from "../core/call/mode.ts";
import { effectiveMode } from "../core/inquiry/effective-mode.ts";
import {
  STOP_AFTER,
  countsAsDenial,
  denialPattern,
  isFaultyFile,
  stopText,
} from "../core/layers/8-approval/denials.ts";
import { type Gate, createGate } from "../host/gate.ts";
import { boundaryAsker } from "../host/prompts/boundary.ts";
import { terminalAsker } from "../host/prompts/terminal.ts";
import { type Outcome, runCall } from "../host/run/run-call.ts";
import { ownUserFile } from "../host/settings/places.ts";
import { watchOf } from "../host/sandbox/tail.ts";
import { openSession, runtimeDirectory, sessionId } from "../host/session/session.ts";
import { commandText, splitAtDashes } from "./command-text.ts";
import { type Command, EXIT, type Terminal, parseFault, pathFrom, printable, usageError } from "./command.ts";
import { reportProblems, settingsArgument } from "./given-settings.ts";
import { remarkOnMode } from "./mode-remark.ts";
import { reportResult } from "./sandbox.ts";
import { tidyLog } from "./tidy-log.ts";

const HELP = `usage: cordon run [OPTIONS] -- COMMAND [ARGUMENT ...]
       cordon run [OPTIONS] -- 'SHELL TEXT'

Judges the command, asks on the terminal where it must, runs it in the sandbox and records both.
One argument is shell text; several are a program and its arguments.

options:
  --mode MODE      ${MODES.join(", ")}
  --preview        show the decision and what the sandbox would allow; run nothing
  --cwd DIR        directory to run in; also the project root
  --settings FILE  settings of the command-line scope: a file, or JSON text
  --no-ambient     read no settings file of the machine, the project or the person
  --tty            give the command the terminal itself: pagers and editors work, what it writes is
                   not filtered and what it is refused is not told
  --session NAME   the session that grants belong to (default $CORDON_SESSION, else the terminal)

exit status: the command's own, 128+n for a signal; 126 refused, 127 not found, 64 usage, 78 settings

examples:
  cordon run -- npm test
  cordon run -- 'git add -A && git commit -m "work"'
  cordon run --preview -- rm -rf build
`;

export const command: Command = {
  name: "run",
  summary: "gate a command, ask, run it in the sandbox, record it",
  help: HELP,
  async run(argv, io) {
    const { own, rest } = splitAtDashes(argv);
    let values;
    try {
      ({ values } = parseArgs({
        args: [...own],
        options: {
          mode: { type: "string" },
          preview: { type: "boolean" },
          cwd: { type: "string" },
          settings: { type: "string" },
          "no-ambient": { type: "boolean" },
          session: { type: "string" },
          tty: { type: "boolean" },
        },
      }));
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      // Behind `--` nothing is read as an option: there the fault is one of cordon's own options.
      const hint = rest === undefined ? "put `--` before the command: `cordon run -- npm test`" : undefined;
      return usageError(io, "run", fault, hint);
    }
    if (rest === undefined || rest.length === 0)
      return usageError(io, "run", "there is no command", "write `cordon run -- npm test`");
    const mode = values.mode === undefined ? undefined : modeNamed(values.mode);
    if (values.mode !== undefined && mode === undefined)
      return usageError(io, "run", `there is no mode \`${values.mode}\``, `one of ${MODES.join(", ")}`);
    const empty = (["cwd", "settings", "session"] as const).find((name) => values[name] === "");
    if (empty !== undefined) return usageError(io, "run", `--${empty} is empty`);
    const settings = settingsArgument(io, values.settings);
    const gate = createGate({
      cwd: pathFrom(io, values.cwd ?? "."),
      home: io.home,
      mode,
      settings,
      ambient: values["no-ambient"] !== true,
      env: io.env,
    });
    if (reportProblems(gate, io, { settings })) return EXIT.settings;
    const input = { tool: "Bash", input: { command: commandText(rest) } };
    remarkOnMode(mode, effectiveMode(gate.policy.mode, gate.call(input)), io);
    if (values.preview === true) {
      const { renderPreview } = await import("./preview.ts");
      io.stdout(await renderPreview(gate, input));
      return EXIT.ok;
    }
    const session = openSession(sessionId(values.session, io.env), runtimeDirectory(io.env, io.home));
    const outcome = await runCall(gate, input, {
      ask: terminalAsker(printable, io.interrupted),
      session,
      stdio: { signal: io.interrupted, watch: values.tty === true ? "none" : watchOf() },
      askBoundary: boundaryAsker(printable, io.interrupted),
      notify: (text) => io.stderr(`cordon: ${printable(text)}\n`),
      standalone: true,
    });
    tidyLog(gate, "run");
    if (outcome.kind === "ran") return reportResult(outcome.result, io);
    const status = refused(gate, outcome, io);
    const judged = outcome.by === "gate" || outcome.by === "person" || outcome.by === "nobody";
    if (judged && countsAsDenial(outcome.decision)) {
      const { code } = outcome.decision;
      const pattern = denialPattern({ ...input, cwd: gate.cwd }, outcome.decision);
      const count = session.deny({ tool: input.tool, pattern, code, time: new Date().toISOString() });
      if (count >= STOP_AFTER) io.stderr(`  hint: ${stopText(count)}\n`);
    }
    return status;
  },
};

/** Says why nothing ran and how it could be let through. */
function refused(gate: Gate, outcome: Extract<Outcome, { kind: "refused" }>, io: Terminal): number {
  const { decision, by, why } = outcome;
  const judged = by === "gate" || by === "person" || by === "nobody";
  io.stderr(`cordon: refused${judged ? ` (${decision.code})` : ""}: ${printable(why)}\n`);
  if (judged && decision.hint !== undefined) io.stderr(`  hint: ${printable(decision.hint)}\n`);
  if (by === "nobody") {
    const rules = decision.offers[0]?.map(({ rule }) => rule) ?? [];
    io.stderr(
      isFaultyFile(decision.rule)
        ? `  hint: mend ${printable(decision.rule?.file ?? "what `--settings` says")}; until then every call asks\n`
        : rules.length === 0
          ? "  hint: run it from a terminal to be asked; no rule can allow it\n"
          : `  hint: run it from a terminal to be asked, or allow ${rules.map((rule) => `\`${printable(rule)}\``).join(" and ")} in ${printable(ownUserFile(gate.home))}\n`,
    );
  }
  return EXIT.refused;
}
