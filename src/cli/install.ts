import { parseArgs } from "node:util";
import { formatProblem } from "../core/settings/problem.ts";
import {
  HOOK_TIMEOUT,
  START_TIMEOUT,
  hookCommand,
  isHookCommand,
  isStartCommand,
  startCommand,
} from "../agents/claude-code/hook-command.ts";
import { refuseWhatClaudeIgnores } from "../host/agents/claude-reads.ts";
import { type HookScope, claudeSettingsFile } from "../host/agents/claude-places.ts";
import { type OwnHook, withHook, withoutHook } from "../host/agents/claude-settings.ts";
import { confirm } from "../host/prompts/confirm.ts";
import { unifiedDiff } from "../host/settings/diff.ts";
import {
  type Editing,
  type PlannedEdit,
  makePut,
  makeTake,
  planPut,
  planTake,
} from "../host/agents/edit-file.ts";
import { isOnPath, launcherPath } from "../host/agents/launcher.ts";
import { type Choices, withChoices, withoutChoices } from "../host/agents/own-settings.ts";
import { recordOf, recordedFiles } from "../host/agents/record.ts";
import { trialFault } from "../host/agents/self-test.ts";
import { hookSwitches } from "../host/agents/switches.ts";
import { createGate } from "../host/gate.ts";
import { SettingsFileError } from "../host/settings/error.ts";
import { ownUserFile, stateDirectory } from "../host/settings/places.ts";
import { utf8 } from "../host/settings/read-file.ts";
import {
  type Command,
  EXIT,
  type Terminal,
  parseFault,
  printable,
  printableJson,
  usageError,
} from "./command.ts";
import { refusedToAgent } from "./agent-session.ts";
import { untrustedNotice } from "./given-settings.ts";

const INSTALL_HELP = `usage: cordon install claude-code [--user | --project] [OPTIONS]

Puts cordon in front of every tool call of Claude Code, by a PreToolUse hook in its settings. A second
hook tells the model at the start of a session, and when it was compacted, what was denied in it.
Shows what would change and asks before it writes. \`cordon uninstall claude-code\` takes both out again.

options:
  --user          ~/.claude/settings.json, or that of $CLAUDE_CONFIG_DIR (default)
  --project       .claude/settings.json of the directory you are in
  --auto-approve  calls that cordon allows are not asked about by the agent either
  --sandbox       commands of the agent run in cordon's sandbox, unasked where nothing else asks
  --no-session-start  without the second hook; an installed one is taken out
  --yes           do not ask
  --dry-run       show what would change and write nothing
  --json          print the result as JSON

exit status: 0 done or nothing to do, 64 usage, 78 settings that cannot be read or changed,
126 not done: nobody agreed, an agent asked, or the hook does not work here

examples:
  cordon install claude-code
  cordon install claude-code --auto-approve --sandbox
  cordon install claude-code --project --dry-run
`;

const UNINSTALL_HELP = `usage: cordon uninstall claude-code [--user | --project] [OPTIONS]

Takes cordon's hooks out of the settings of Claude Code. A file that nobody changed since is put
back byte for byte; of any other only what is cordon's is removed.

options:
  --user      ~/.claude/settings.json, or that of $CLAUDE_CONFIG_DIR (default)
  --project   .claude/settings.json of the directory you are in
  --yes       do not ask
  --dry-run   show what would change and write nothing
  --json      print the result as JSON

exit status: 0 done or nothing to do, 64 usage, 78 settings that cannot be read or changed,
126 not done: nobody agreed, or an agent asked

examples:
  cordon uninstall claude-code
  cordon uninstall claude-code --project --yes
`;

export const install: Command = {
  name: "install",
  summary: "put cordon in front of a coding agent",
  help: INSTALL_HELP,
  run: async (argv, io) => perform("install", argv, io),
};

export const uninstall: Command = {
  name: "uninstall",
  summary: "take cordon out again",
  help: UNINSTALL_HELP,
  run: async (argv, io) => perform("uninstall", argv, io),
};

type Verb = "install" | "uninstall";

interface Request {
  readonly verb: Verb;
  readonly scope: HookScope;
  readonly choices: Choices;
  /** Also the hook that runs where a session starts. */
  readonly sessionStart: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

async function perform(verb: Verb, argv: readonly string[], io: Terminal): Promise<number> {
  let request: Request | number;
  try {
    request = readRequest(verb, argv, io);
  } catch (error) {
    const fault = parseFault(error);
    if (fault === undefined) throw error;
    return usageError(io, verb, fault);
  }
  if (typeof request === "number") return request;
  const refused = refusedToAgent(io, verb, "what stands in front of an agent is");
  if (refused !== undefined) return refused;
  try {
    return await carryOut(request, io);
  } catch (error) {
    if (!(error instanceof SettingsFileError)) throw error;
    io.stderr(`cordon ${verb}: ${printable(error.message)}\n`);
    if (error.hint !== undefined) io.stderr(`  hint: ${printable(error.hint)}\n`);
    return EXIT.settings;
  }
}

/** The command line, or the status of what is wrong with it. */
function readRequest(verb: Verb, argv: readonly string[], io: Terminal): Request | number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      user: { type: "boolean" },
      project: { type: "boolean" },
      yes: { type: "boolean" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
      "auto-approve": { type: "boolean" },
      sandbox: { type: "boolean" },
      "no-session-start": { type: "boolean" },
    },
  });
  const [agent, ...more] = positionals;
  if (agent === undefined)
    return usageError(io, verb, "no agent is named", `write \`cordon ${verb} claude-code\``);
  if (agent !== "claude-code")
    return usageError(io, verb, `the agent \`${agent}\` is not built in yet`, "claude-code is");
  if (more.length > 0) return usageError(io, verb, `one agent at a time; \`${more[0] ?? ""}\` is too many`);
  if (values.user === true && values.project === true)
    return usageError(io, verb, "--user or --project, not both");
  const choices = { autoApprove: values["auto-approve"] === true, sandbox: values.sandbox === true };
  if (verb === "uninstall" && (choices.autoApprove || choices.sandbox))
    return usageError(io, verb, "--auto-approve and --sandbox are choices of the installation");
  if (verb === "uninstall" && values["no-session-start"] === true)
    return usageError(io, verb, "--no-session-start is a choice of the installation");
  return {
    verb,
    sessionStart: values["no-session-start"] !== true,
    scope: values.project === true ? "project" : "user",
    choices,
    yes: values.yes === true,
    dryRun: values["dry-run"] === true,
    json: values.json === true,
  };
}

/** Plans, shows, asks, does. */
async function carryOut(request: Request, io: Terminal): Promise<number> {
  const { verb } = request;
  const state = stateDirectory(io.env, io.home);
  const { gate: hook, start } = ownHooks(io);
  const edits = editsFor(request, [hook, start], state, io);
  const plans = edits.map((edit) => (verb === "install" ? planPut(edit) : planTake(state, edit)));
  const changes = plans.filter(({ before, after }) => before !== after);
  const warnings = verb === "install" ? warningsFor(edits, io) : [];
  if (!request.json) show(request, changes, io);
  if (verb === "uninstall") {
    const others = recordedFiles(state).filter(
      (file) => edits.every((edit) => edit.file !== file) && file !== ownUserFile(io.home),
    );
    for (const file of others) io.stderr(`cordon uninstall: cordon stays installed in ${printable(file)}\n`);
  }
  for (const warning of warnings) io.stderr(`cordon ${verb}: ${printable(warning)}\n`);

  const outcome =
    changes.length === 0 ? "unchanged" : request.dryRun ? "planned" : await consent(request, hook, io);
  if (outcome === "agreed") {
    plans.forEach((plan, at) => {
      const edit = edits[at];
      if (verb === "uninstall") makeTake(state, plan);
      else if (edit !== undefined) makePut(state, plan, edit);
    });
  }
  if (request.json)
    io.stdout(`${printableJson(JSON.stringify(report(request, hook, outcome, plans, warnings)))}\n`);
  else if (outcome === "agreed") io.stdout(`${DONE[verb]}\n`);
  return outcome === "refused" ? EXIT.refused : EXIT.ok;
}

/** What may keep the hook from running, the agent from reading it at all, and what is wrong with the settings. */
function warningsFor(edits: readonly Editing[], io: Terminal): readonly string[] {
  const [agent] = edits;
  const place = { cwd: io.cwd(), home: io.home, env: io.env };
  const gate = createGate(place);
  const problems = gate.problems.filter(({ severity }) => severity === "error");
  const notice = untrustedNotice(gate);
  return [
    ...(notice === undefined ? [] : [notice]),
    ...hookSwitches({ root: io.cwd(), ...place }),
    ...problems.map(
      (problem) =>
        `${formatProblem(problem).split("\n")[0] ?? ""}${problem.file === agent?.file ? "; the agent may ignore the whole file because of it" : ""}`,
    ),
  ];
}

const DONE: Readonly<Record<Verb, string>> = {
  install: "cordon now stands in front of Claude Code; start sessions that already run anew",
  uninstall: "cordon no longer stands in front of Claude Code",
};

/** The hook that decides, and the one at the start of a session. */
function ownHooks(io: Terminal): { readonly gate: OwnHook; readonly start: OwnHook } {
  const launcher = launcherPath({ module: import.meta.url, script: process.argv[1] });
  const hasTimeout = isOnPath("timeout", io.env["PATH"]);
  return {
    gate: {
      event: "PreToolUse",
      command: hookCommand(launcher, hasTimeout),
      timeout: HOOK_TIMEOUT,
      isOurs: isHookCommand,
    },
    start: {
      event: "SessionStart",
      command: startCommand(launcher, hasTimeout),
      timeout: START_TIMEOUT,
      isOurs: isStartCommand,
    },
  };
}

const ALL_CHOICES: Choices = { autoApprove: true, sandbox: true };

/** The files that are concerned, each with what puts ours in and what takes it out. */
function editsFor(
  request: Request,
  hooks: readonly OwnHook[],
  state: string,
  io: Terminal,
): readonly Editing[] {
  const agentFile = claudeSettingsFile(request.scope, { cwd: io.cwd(), home: io.home, env: io.env });
  const ownFile = ownUserFile(io.home);
  const { choices } = request;
  const record = recordOf(state, ownFile);
  const earlier = record === undefined || record.before === "absent" ? "{}" : (utf8(record.before) ?? "{}");
  const own: Editing = {
    file: ownFile,
    put: (text) => withChoices(ownFile, text, choices),
    // What a person had switched on before the installation is not the installation's to take away.
    take: (text) => (record === undefined ? text : withoutChoices(ownFile, text, ALL_CHOICES, earlier)),
  };
  // The choices hold for all installations, so they go with the last one.
  const last = recordedFiles(state).every((file) => file === ownFile || file === agentFile);
  const concerned =
    request.verb === "install" ? choices.autoApprove || choices.sandbox : record !== undefined && last;
  return [
    {
      file: agentFile,
      put: (text) => {
        refuseWhatClaudeIgnores(agentFile, text);
        return hooks.reduce(
          (rest, hook) =>
            hook.event === "PreToolUse" || request.sessionStart
              ? withHook(agentFile, rest, hook)
              : withoutHook(agentFile, rest, hook),
          text,
        );
      },
      take: (text) => hooks.reduce((rest, hook) => withoutHook(agentFile, rest, hook), text),
    },
    ...(concerned ? [own] : []),
  ];
}

function show({ verb }: Request, changes: readonly PlannedEdit[], io: Terminal): void {
  if (changes.length === 0) {
    io.stdout(
      verb === "install"
        ? "nothing to do: the hook is installed\n"
        : "nothing to do: there is no hook of cordon's\n",
    );
    return;
  }
  for (const { file, before, after } of changes)
    io.stdout(`${unifiedDiff(file, before, after).split("\n").map(printable).join("\n")}\n`);
}

/** Whether a person agrees, or has agreed by `--yes`, to something that works. */
async function consent(request: Request, hook: OwnHook, io: Terminal): Promise<"agreed" | "refused"> {
  const { verb } = request;
  if (verb === "install") {
    const fault = trialFault(hook.command, io.cwd(), { ...io.env, CLAUDE_PROJECT_DIR: io.cwd() });
    if (fault?.kind === "blocked") {
      sayBlocked(fault.why, io);
      return "refused";
    }
    if (fault !== undefined) {
      io.stderr(
        `cordon install: the hook does not work here, and every call would be blocked: ${printable(fault.why)}\n`,
      );
      io.stderr(`  hint: nothing was changed; try \`${printable(hook.command)}\` by hand\n`);
      return "refused";
    }
  }
  if (request.yes) return "agreed";
  const answer = io.isTerminal
    ? await confirm(`${verb === "install" ? "write this" : "take it out"}? [y/N]: `, io.interrupted)
    : "nobody";
  if (answer === "yes") return "agreed";
  io.stderr(`cordon ${verb}: nothing was changed\n`);
  if (answer === "nobody")
    io.stderr("  hint: there is no terminal to ask on; look at the diff and add `--yes`\n");
  return "refused";
}

/** The hook works, and what holds here denies whatever it is asked: by the cause, where it is known. */
function sayBlocked(reason: string, io: Terminal): void {
  const { stopped } = createGate({ cwd: io.cwd(), home: io.home, env: io.env }).policy.managed;
  const [cause = "", hint = ""] =
    stopped === undefined ? [reason] : formatProblem(stopped).split("\n  hint: ");
  io.stderr(`cordon install: every call would be blocked: ${printable(cause)}\n`);
  io.stderr(`  hint: nothing was changed; ${hint === "" ? "mend that first" : printable(hint)}\n`);
}

function report(
  { verb, scope }: Request,
  hook: OwnHook,
  outcome: "unchanged" | "planned" | "agreed" | "refused",
  plans: readonly PlannedEdit[],
  warnings: readonly string[],
): unknown {
  return {
    agent: "claude-code",
    action: verb,
    scope,
    result: outcome === "agreed" ? "done" : outcome,
    ...(verb === "install" ? { command: hook.command } : {}),
    files: plans.map(({ file, before, after }) => ({
      file,
      changed: before !== after,
      diff: unifiedDiff(file, before, after),
    })),
    warnings,
  };
}
