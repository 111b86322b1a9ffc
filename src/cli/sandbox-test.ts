import { accessSync, constants } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isWithin } from "../core/call/path.ts";
import { PATHS } from "../core/knowledge/paths.gen.ts";
import { TEMPORARY_PATHS } from "../core/layers/9-sandbox/needs.ts";
import { RUNGS, type Rung } from "../core/settings/policy.ts";
import type { Footing } from "../host/sandbox/footing.ts";
import { tryRungs } from "../host/sandbox/ladder.ts";
import { realPath } from "../host/sandbox/look.ts";
import { TRIAL_CLASSES, type TrialClass } from "../host/sandbox/trial/attempt.ts";
import { ATTEMPTS } from "../host/sandbox/trial/attempts.ts";
import { confinementBy } from "../host/sandbox/trial/confine.ts";
import { type Verdict, runTrial } from "../host/sandbox/trial/run.ts";
import {
  type Command,
  EXIT,
  Interruption,
  type Terminal,
  parseFault,
  pathFrom,
  printable,
  usageError,
} from "./command.ts";

const HELP = `usage: cordon sandbox test [OPTIONS]

Tries to break out of the sandbox on this machine, in ${ATTEMPTS.length} ways, and says what was stopped. Everything
happens in a directory of its own that is removed afterwards; nothing outside of it is changed.
Takes about a minute, at most three. As root it tries what only root can do as well.

options:
  --class NAME   only this class of attempts; may be repeated
  --rung RUNG    native, bubblewrap or landlock (default: the best that works here)
  --controls     make each attack without a sandbox too, to see that it works on this machine: in that
                 directory, against own files, processes and servers; takes twice as long
  --in DIR       where to make the directory (default: home); not in /tmp, which the sandbox hides
  --json         one JSON object

exit status: 0 nothing of high or medium weight escaped, 1 something did or could not be judged, 126 there
is no sandbox of that kind here, 64 usage

examples:
  cordon sandbox test
  cordon sandbox test --class hook --class git-config
  cordon sandbox test --rung bubblewrap --controls --json
`;

/** Seconds after which no further attempt is begun. */
const BUDGET = 170;

export const command: Command = {
  name: "sandbox test",
  summary: "try to break out of the sandbox on this machine",
  help: HELP,
  async run(argv, io) {
    let values;
    try {
      ({ values } = parseArgs({
        args: [...argv],
        options: {
          class: { type: "string", multiple: true },
          rung: { type: "string" },
          controls: { type: "boolean" },
          in: { type: "string" },
          json: { type: "boolean" },
        },
      }));
    } catch (error) {
      const fault = parseFault(error);
      if (fault === undefined) throw error;
      return usageError(io, "sandbox test", fault);
    }
    const classes = values.class ?? [];
    const unknown = classes.find((name) => !isClass(name));
    if (unknown !== undefined)
      return usageError(
        io,
        "sandbox test",
        `there is no class \`${printable(unknown)}\``,
        `one of ${Object.keys(TRIAL_CLASSES).join(", ")}`,
      );
    const rung = RUNGS.find((name) => name === values.rung);
    if (values.rung !== undefined && rung === undefined)
      return usageError(
        io,
        "sandbox test",
        `there is no rung \`${printable(values.rung)}\``,
        `one of ${RUNGS.join(", ")}`,
      );
    if (values.in === "") return usageError(io, "sandbox test", "--in is empty");
    const parent = directoryFor(io, values.in);
    if (parent === undefined)
      return cannot(
        io,
        "there is no directory to do it in",
        "name one that you can write to and that is not below /tmp: --in DIR",
      );
    const footing = await footingFor(io, rung);
    if ("why" in footing) return cannot(io, footing.why, footing.cure);
    const attempts = ATTEMPTS.filter((attempt) => classes.length === 0 || classes.includes(attempt.class));
    let done = 0;
    const verdicts = await runTrial({
      attempts,
      parent,
      confine: confinementBy({ footing }, PATHS),
      atOnce: Math.min(4, Math.max(2, availableParallelism())),
      controls: values.controls === true,
      budget: values.controls === true ? 4 * BUDGET : BUDGET,
      signal: io.interrupted,
      onVerdict: () => {
        done += 1;
        if (io.isTerminal) io.stderr(`\r${done} of ${attempts.length} attempts`);
      },
    });
    if (io.isTerminal) io.stderr("\r\u001b[K");
    if (io.interrupted.aborted) {
      io.stderr("cordon sandbox test: interrupted; what was made is removed\n");
      const { reason }: { readonly reason: unknown } = io.interrupted;
      return reason instanceof Interruption ? reason.status : 1;
    }
    const ordered = ATTEMPTS.flatMap((attempt) => verdicts.filter((each) => each.attempt.id === attempt.id));
    io.stdout(
      values.json === true
        ? `${JSON.stringify(asJson(footing.rung, ordered))}\n`
        : asText(footing.rung, ordered),
    );
    return ordered.some(isBad) ? 1 : EXIT.ok;
  },
};

function isClass(name: string): name is TrialClass {
  return Object.hasOwn(TRIAL_CLASSES, name);
}

function cannot(io: Terminal, why: string, cure: string): number {
  io.stderr(`cordon sandbox test: ${printable(why)}\n  hint: ${printable(cure)}\n`);
  return EXIT.refused;
}

/** A directory that can be written and that a sandbox does not replace by one of its own. */
function directoryFor(io: Terminal, named: string | undefined): string | undefined {
  const candidates = named === undefined ? [io.home, "/var/lib"] : [pathFrom(io, named)];
  return candidates
    .flatMap((path) => realPath(path) ?? [])
    .find((path) => {
      if (TEMPORARY_PATHS.some((place) => isWithin(path, place))) return false;
      try {
        accessSync(path, constants.W_OK | constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

type NoFooting = { readonly why: string; readonly cure: string };

async function footingFor(io: Terminal, rung: Rung | undefined): Promise<Footing | NoFooting> {
  const { rungs } = await tryRungs({ environment: io.env, home: io.home });
  const wanted = rungs.filter(({ state }) => rung === undefined || state.rung === rung);
  const found = wanted.find(({ footing }) => footing !== undefined)?.footing;
  if (found !== undefined) return found;
  const state = wanted.map((each) => each.state).find((each) => !each.works);
  return state?.works === false
    ? { why: state.why, cure: state.cure }
    : { why: "no sandbox works here", cure: "see `cordon sandbox doctor`" };
}

/** Something of weight got out, or nobody can say whether it did. */
function isBad({ ended, attempt }: Verdict): boolean {
  return ended === "faulty" || (ended === "escaped" && attempt.weight !== "low");
}

function asJson(rung: Footing["rung"], verdicts: readonly Verdict[]): unknown {
  const count = (ended: Verdict["ended"]): number => verdicts.filter((each) => each.ended === ended).length;
  return {
    rung,
    root: process.getuid?.() === 0,
    stopped: count("stopped"),
    escaped: count("escaped"),
    skipped: count("skipped"),
    faulty: count("faulty"),
    attempts: verdicts.map(({ attempt, tookMs, ...verdict }) => ({
      id: attempt.id,
      class: attempt.class,
      weight: attempt.weight,
      title: attempt.title,
      known: attempt.known,
      ...verdict,
      tookMs: Math.round(tookMs),
    })),
  };
}

/** Class by class, then each attempt that was not stopped, with the reason where there is one. */
function asText(rung: Footing["rung"], verdicts: readonly Verdict[]): string {
  const who = process.getuid?.() === 0 ? "root" : "a user without rights";
  const lines = [`${verdicts.length} attempts to break out, as ${who}, rung ${rung}`, ""];
  for (const [name, title] of Object.entries(TRIAL_CLASSES)) {
    const own = verdicts.filter(({ attempt }) => attempt.class === name);
    if (own.length === 0) continue;
    const made = own.filter(({ ended }) => ended !== "skipped");
    const stopped = own.filter(({ ended }) => ended === "stopped").length;
    const mark = own.some(isBad)
      ? "ESCAPED"
      : stopped < made.length
        ? "in part"
        : made.length === 0
          ? "skipped"
          : "stopped";
    lines.push(
      `${mark.padEnd(8)} ${String(stopped).padStart(3)} of ${String(made.length).padEnd(3)} ${title} (${name})`,
    );
  }
  const section = (head: string, of: readonly Verdict[], say: (verdict: Verdict) => string): void => {
    if (of.length === 0) return;
    lines.push("", head, ...of.map((verdict) => `  ${verdict.attempt.id}: ${say(verdict)}`));
  };
  const escaped = verdicts.filter(({ ended }) => ended === "escaped");
  section("not stopped:", escaped.filter(isBad), ({ attempt }) => `${attempt.title} (${attempt.weight})`);
  section(
    "not stopped, of low weight:",
    escaped.filter((each) => !isBad(each)),
    ({ attempt }) => (attempt.known === undefined ? attempt.title : `${attempt.title}; ${attempt.known}`),
  );
  section(
    "could not be judged:",
    verdicts.filter(({ ended }) => ended === "faulty"),
    ({ why }) => printable(why ?? ""),
  );
  section(
    "skipped:",
    verdicts.filter(({ ended }) => ended === "skipped"),
    ({ why }) => why ?? "",
  );
  section(
    "does not work here without a sandbox either:",
    verdicts.filter(({ control }) => control === "failed"),
    ({ attempt, controlWhy }) =>
      controlWhy === undefined ? attempt.title : `${attempt.title}; ${controlWhy}`,
  );
  return `${lines.join("\n")}\n`;
}
