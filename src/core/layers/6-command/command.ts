import type { Facts } from "../../call/facts.ts";
import type { Code } from "../../call/codes.ts";
import type { Opinion } from "../../call/opinion.ts";
import { absolute, normalise } from "../../call/path.ts";
import { isKnown } from "../../call/word.ts";
import type { CommandClass } from "../../knowledge/spec.ts";
import { LONGEST_ALLOWED } from "../../shell/bytes.ts";
import type { Invocation, Script } from "../../shell/script.ts";
import { isHarmlessVariable, isSensitiveVariable } from "../../shell/variables.ts";
import { show } from "../../inquiry/show.ts";
import type { Inquiry, PathUse } from "../../inquiry/inquiry.ts";
import { type Workspace, aboutUse, locate, workspaceOf } from "../../inquiry/locate.ts";
import { criticalReason, remoteReason } from "./critical.ts";
import { dangerOpinion, dangersOf } from "./destructive.ts";
import { pushOpinions } from "./git-push.ts";
import { escapeOpinions, openingOpinions } from "./escape.ts";
import { guardOpinions } from "./guard.ts";

const CLASS_CODES: Readonly<Record<Exclude<CommandClass, "read-only">, Code>> = {
  "file-modifying": "cmd.file-modifying",
  "runs-code": "cmd.runs-code",
  network: "cmd.network",
  "system-modifying": "cmd.system-modifying",
};
const CLASS_WORDS: Readonly<Record<Exclude<CommandClass, "read-only">, string>> = {
  "file-modifying": "changes files",
  "runs-code": "runs code that the command line does not show",
  network: "talks to the network",
  "system-modifying": "changes the system",
};

/** Builtins after which a name may run something else (bash-analysis, "always opaque"). */
const REBINDS: ReadonlySet<string> = new Set(
  "alias unalias enable hash shopt source . complete compgen bind fc let".split(" "),
);

/** Layer 6: what a Bash command would really do. */
export function commandLayer(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  const { script } = inquiry;
  if (script === undefined) return [];
  const workspace = workspaceOf(inquiry.context, inquiry, facts);
  return [
    ...scriptOpinions(inquiry, script),
    ...nothingRuns(script),
    ...script.invocations.flatMap((invocation) => [
      ...guardOpinions(invocation, script, runsWhatItWrote(inquiry, invocation)),
      ...pushOpinions(invocation, facts),
      ...dangersOf(invocation, script, inquiry.context.destructive).map((danger) =>
        dangerOpinion(danger, invocation),
      ),
      ...(invocation.nesting === "code" ? [] : partOpinions(inquiry, invocation)),
    ]),
    ...criticalOpinions(inquiry, script, workspace, facts),
    ...redirectOpinions(inquiry),
    ...escapeOpinions(inquiry),
    ...openingOpinions(inquiry),
    ...unconfined(inquiry, facts),
  ];
}

/** What is wrong with the text as a whole. */
function scriptOpinions(inquiry: Inquiry, script: Script): readonly Opinion[] {
  const kind = unknownKind(inquiry);
  const opinions = script.doubts.map((doubt): Opinion => ({
    layer: "command",
    effect: "ask",
    kind: doubt.code === "cmd.destructive" ? "destructive" : doubt.unseen === true ? "unknown.guarded" : kind,
    code: doubt.code,
    why: doubt.why,
    span: doubt.span,
  }));
  if (script.source.length > LONGEST_ALLOWED) {
    opinions.push({
      layer: "command",
      effect: "ask",
      kind,
      code: "cmd.too-long",
      why: `the command has ${script.source.length} characters; more than ${LONGEST_ALLOWED} are never passed unseen`,
    });
  }
  for (const { name, span } of script.assigned) {
    if (isSensitiveVariable(name))
      opinions.push({
        layer: "command",
        effect: "ask",
        kind,
        code: "cmd.variable",
        why: `\`${name}\` changes what later commands are or do`,
        span,
      });
  }
  return opinions;
}

/** Tests and assignments alone run no command; what they read or set is judged elsewhere. */
function nothingRuns(script: Script): readonly Opinion[] {
  if (script.invocations.length > 0 || script.redirects.length > 0 || script.doubts.length > 0) return [];
  return [
    {
      layer: "command",
      effect: "allow",
      answers: "built-in",
      code: "cmd.read-only",
      why: "it only tests or sets variables",
    },
  ];
}

/** Not understood: graver where a deny or ask rule could be about exactly this. */
function unknownKind(inquiry: Inquiry): "unknown" | "unknown.guarded" {
  const { rules } = inquiry.context;
  return rules.guardsCommands || (rules.guardsPaths && inquiry.call.sandboxed !== true)
    ? "unknown.guarded"
    : "unknown";
}

/** Whether one command may run silently, and if not, why. */
function partOpinions(inquiry: Inquiry, invocation: Invocation): readonly Opinion[] {
  const { reading } = invocation;
  const place = { layer: "command", part: invocation.id } as const;
  const kind = unknownKind(inquiry);
  const opinions: Opinion[] = [];
  const ask = (code: Code, why: string, answerable: boolean, span = invocation.span): void => {
    opinions.push({ ...place, effect: "ask", kind: answerable ? "unmatched" : kind, code, why, span });
  };

  const set = [...invocation.assigned.map(({ name }) => name), ...assignedByOperand(invocation)];
  for (const name of set) {
    if (isSensitiveVariable(name))
      ask("cmd.variable", `\`${name}\` changes what the command is or does`, false);
    else if (!isHarmlessVariable(name) && invocation.assigned.some((assigned) => assigned.name === name)) {
      ask("cmd.variable", `what \`${name}\` changes is not known`, true);
    }
  }
  for (const doubt of reading.doubts) {
    const grave =
      doubt.code === "cmd.dynamic" || doubt.code === "cmd.function" || doubt.code === "cmd.variable";
    ask(doubt.code, doubt.why, !grave || doubt.mild === true, doubt.span);
  }
  if (REBINDS.has(reading.path[0] ?? "")) {
    ask(
      "cmd.function",
      `\`${reading.path[0] ?? ""}\` changes what later names mean`,
      !inquiry.context.rules.guardsCommands,
    );
  }
  if (reading.stdin !== undefined && invocation.pipe !== undefined && invocation.pipe.stage > 0) {
    ask("cmd.interpreter-input", `\`${reading.path[0] ?? ""}\` runs whatever is piped into it`, false);
  }
  const directory = gitElsewhere(inquiry, invocation);
  if (directory !== undefined)
    ask(
      "cmd.directory-changed",
      `git in \`${directory}\` obeys the configuration and hooks it finds there`,
      false,
    );
  if (runsWhatItWrote(inquiry, invocation))
    ask("cmd.dynamic", `\`${invocation.words[0]?.raw ?? ""}\` is written by the same command`, false);

  if (reading.class === "read-only" || (reading.transparent && reading.doubts.length === 0)) {
    if (opinions.length === 0)
      opinions.push({
        ...place,
        effect: "allow",
        answers: "built-in",
        code: "cmd.read-only",
        why: `\`${show(nameOf(invocation))}\` only reads`,
      });
    return opinions;
  }
  if (invocation.background) ask("cmd.background", "it goes on running after the call", false);
  if (reading.class !== undefined) {
    const code = reading.privilege ? "cmd.privilege" : CLASS_CODES[reading.class];
    ask(
      code,
      `\`${show(nameOf(invocation))}\` ${reading.why ?? (reading.privilege ? "runs with other rights" : CLASS_WORDS[reading.class])}`,
      true,
    );
  } else if (opinions.length === 0) {
    ask(
      "cmd.not-in-tables",
      reading.why === undefined
        ? `what \`${show(nameOf(invocation))}\` does is not known here`
        : `\`${show(nameOf(invocation))}\` ${reading.why}`,
      true,
    );
  }
  return opinions;
}

/** `git stash drop` for messages: the command and its subcommands. */
function nameOf(invocation: Invocation): string {
  const { path } = invocation.reading;
  return path.length > 1 ? path.join(" ") : (invocation.words[0]?.text ?? path[0] ?? "");
}

/** Variables that `env`, `export` and the like set by an operand. */
function assignedByOperand(invocation: Invocation): readonly string[] {
  const { reading } = invocation;
  const declares = /^(?:export|declare|typeset|local|readonly)$/.test(reading.path[0] ?? "");
  const words = declares ? invocation.words.slice(1) : reading.assignments;
  return words.flatMap(({ text }) => /^([A-Za-z_]\w*)\+?=/.exec(text)?.[1] ?? []);
}

/** The directory in which git would run, where the command changed to it. */
function gitElsewhere(inquiry: Inquiry, invocation: Invocation): string | undefined {
  if (invocation.reading.path[0] !== "git") return undefined;
  const here = normalise(inquiry.call.cwd);
  const named = invocation.reading.options.get("--git-dir")?.[0];
  if (named !== undefined && !/^(?:\.\/)?\.git\/?$/.test(named.text)) return named.raw;
  if (invocation.directories === undefined) return "a directory that is not known";
  return invocation.directories.find((directory) => normalise(directory) !== here);
}

/** `cp /usr/bin/x ./y; ./y`: a name that says nothing about what runs. */
function runsWhatItWrote(inquiry: Inquiry, invocation: Invocation): boolean {
  const name = invocation.words[0]?.text ?? "";
  if (!name.includes("/")) return false;
  const paths = (invocation.directories ?? [inquiry.call.cwd]).map((directory) =>
    normalise(name.startsWith("/") ? name : `${directory}/${name}`),
  );
  return inquiry.uses.some(
    (use) => (use.action === "write" || use.action === "delete") && paths.includes(normalise(use.path)),
  );
}

/** Removals, overwrites and changes of owner that hit something critical; no rule or mode answers. */
function criticalOpinions(
  inquiry: Inquiry,
  script: Script,
  workspace: Workspace,
  facts: Facts,
): readonly Opinion[] {
  const opinions: Opinion[] = [];
  for (const use of inquiry.uses) {
    if (use.action !== "write" && use.action !== "delete") continue;
    const sweeping = use.recursive || (use.action === "delete" && removes(script, use));
    for (const located of locate(use, facts)) {
      const why = criticalReason(use, located, workspace, inquiry.call.home, sweeping);
      if (why === undefined) continue;
      opinions.push({
        layer: "command",
        effect: "ask",
        kind: "critical",
        code: "rm.critical",
        why: `${use.action === "delete" ? "removes" : use.recursive ? "changes all of" : "overwrites"} ${why}`,
        hint: use.known ? undefined : "write the path out",
        part: use.part,
        subject: use.path,
        span: use.span,
      });
      break;
    }
  }
  for (const invocation of script.invocations) {
    const remote = invocation.remote ? remoteReason(invocation, inquiry.call.home) : undefined;
    const unclear = unknownOnCritical(inquiry, invocation, workspace);
    const why =
      remote === undefined
        ? unclear === undefined
          ? undefined
          : `runs a command that is not known on ${unclear}`
        : `removes or changes all of ${remote}`;
    if (why === undefined) continue;
    opinions.push({
      layer: "command",
      effect: "ask",
      kind: "critical",
      code: "rm.critical",
      why,
      part: invocation.id,
      span: invocation.span,
    });
  }
  return opinions;
}

/** `$(echo rm) -rf /`: whatever it runs, it is pointed at something critical. */
function unknownOnCritical(
  inquiry: Inquiry,
  invocation: Invocation,
  workspace: Workspace,
): string | undefined {
  const [name, ...rest] = invocation.words;
  if (name === undefined || isKnown(name)) return undefined;
  for (const word of rest) {
    if (word.text.startsWith("-") || word.unknown !== undefined || !/^[/~.*]/.test(word.text)) continue;
    const directory = invocation.directories?.[0] ?? inquiry.call.cwd;
    const path = absolute(directory, word.text);
    const use: PathUse = {
      action: "delete",
      path,
      glob: word.glob === undefined ? undefined : absolute(directory, word.glob),
      known: word.glob === undefined,
      recursive: true,
      redirect: false,
      shown: word.raw,
    };
    const located = {
      use,
      name: normalise(path),
      real: normalise(path),
      names: [],
      type: "unknown",
      certain: false,
    } as const;
    const why = criticalReason(use, located, workspace, inquiry.call.home, true);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** A removal of several things at once, by a pattern or without a known name. */
function removes(script: Script, use: PathUse): boolean {
  const invocation = script.invocations.find(({ id }) => id === use.part);
  return (
    use.glob !== undefined || invocation?.reading.path[0] === "mv" || invocation?.reading.path[0] === "rmdir"
  );
}

/** A redirect that writes needs a permission of its own; a rule for the command does not cover it. */
function redirectOpinions(inquiry: Inquiry): readonly Opinion[] {
  return inquiry.uses
    .filter((use) => use.redirect && use.action === "write" && use.hint !== true)
    .map((use): Opinion => ({
      layer: "command",
      effect: "ask",
      kind: "unmatched",
      code: "cmd.redirect",
      why: `a redirect writes \`${use.shown}\``,
      part: use.part,
      subject: use.path,
      about: aboutUse(use),
      span: use.span,
    }));
}

/** The sandbox is wanted and not to be had: refused where the settings say so, else a question in every mode. */
function unconfined(inquiry: Inquiry, facts: Facts): readonly Opinion[] {
  if (facts.sandboxFault === undefined) return [];
  const base = { layer: "command", code: "sandbox.unavailable" } as const;
  return inquiry.context.policy.sandbox.failIfUnavailable
    ? [{ ...base, effect: "deny", why: `the settings require the sandbox, and ${facts.sandboxFault}` }]
    : [
        {
          ...base,
          effect: "ask",
          kind: "sandbox",
          why: `it would run without a sandbox: ${facts.sandboxFault}`,
        },
      ];
}
