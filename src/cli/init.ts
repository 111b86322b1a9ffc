import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Proposal,
  type ProposedKey,
  type ProposedRule,
  TEMPLATES,
  type Template,
  proposeSettings,
} from "../core/settings/proposal.ts";
import { confirm } from "../host/prompts/confirm.ts";
import { unifiedDiff } from "../host/settings/diff.ts";
import { readAt, setAt } from "../host/settings/json-edit.ts";
import { lookAt } from "../host/init/look.ts";
import { makeDirectory, replaceFile } from "../host/settings/atomic.ts";
import { withRule } from "../host/settings/edit.ts";
import { SettingsFileError } from "../host/settings/error.ts";
import { withLock } from "../host/settings/lock.ts";
import { stateDirectory } from "../host/settings/places.ts";
import { readWhole, utf8 } from "../host/settings/read-file.ts";
import { keepUntracked } from "../host/settings/save.ts";
import { isWritten, recordWritten } from "../host/settings/written.ts";
import { checkoutAbove } from "../host/trust/surroundings.ts";
import { agentVariable } from "./agent-session.ts";
import { quoteWord } from "./command-text.ts";
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

const HELP = `usage: cordon init [DIR] [--template NAME] [--local] [OPTIONS]

Looks at a repository (package manager, scripts, languages, make targets) and proposes settings of
least privilege for it: the exact commands that build, check and test are allowed, what leaves the
machine asks. Shows what would change and asks before it writes. Nothing of the repository is run.

Inside of a checkout, name DIR: its top, whose files hold in all of it, or \`.\` for settings that
hold only for sessions that start in this directory.

templates:
  plain   allow builds and tests, ask before pushing and publishing (default)
  team    the same, secrets denied, nobody skips permissions
  strict  nothing more is allowed in advance, secrets denied, no way out of the sandbox
  ci      nobody is asked: builds and tests are allowed, everything else is denied

The sandbox keys of strict and ci hold for \`cordon run\`, and for an agent where it was set up by
\`cordon install claude-code --sandbox\`. Without that an agent's commands are gated, not confined.

options:
  --template NAME  plain, team, strict or ci
  --local          for you alone: .cordon/settings.local.json, which counts at once. Without it
                   .cordon/settings.json, to be committed: its allow rules count once each person
                   has said \`cordon trust\`
  --yes            do not ask
  --dry-run        show what would change and write nothing
  --json           print the result as JSON

exit status: 0 done or nothing to do, 64 usage, 78 settings that cannot be read or changed,
126 not done: nobody agreed

examples:
  cordon init
  cordon init --template strict --dry-run
  cordon init ~/work/app --local --yes
`;

/** Asks for a yes at the controlling terminal. */
type Ask = typeof confirm;

export const command: Command = initWith(confirm);

/** The command with its way to a person. */
export function initWith(ask: Ask): Command {
  return {
    name: "init",
    summary: "propose settings for a repository",
    help: HELP,
    run: async (argv, io) => perform(argv, io, ask),
  };
}

interface Request {
  readonly root: string;
  readonly template: Template;
  readonly local: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

async function perform(argv: readonly string[], io: Terminal, ask: Ask): Promise<number> {
  try {
    const request = readRequest(argv, io);
    if (typeof request === "number") return request;
    const agent = agentVariable(io.env);
    if (agent === undefined) return await carryOut(request, io, ask);
    io.stderr(`cordon init: not changed: ${agent} is set, so this is an agent's session\n`);
    io.stderr("  hint: settings are for a person to change; run it in a terminal of your own\n");
    return EXIT.refused;
  } catch (error) {
    const fault = parseFault(error);
    if (fault !== undefined) return usageError(io, "init", fault);
    if (!(error instanceof SettingsFileError)) throw error;
    io.stderr(`cordon init: ${printable(error.message)}\n`);
    if (error.hint !== undefined) io.stderr(`  hint: ${printable(error.hint)}\n`);
    return EXIT.settings;
  }
}

function readRequest(argv: readonly string[], io: Terminal): Request | number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      template: { type: "string" },
      local: { type: "boolean" },
      yes: { type: "boolean" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    },
  });
  const [given, ...more] = positionals;
  const named = given ?? ".";
  if (named === "") return usageError(io, "init", "the directory is empty");
  if (more.length > 0)
    return usageError(io, "init", `one directory at a time; \`${more[0] ?? ""}\` is too many`);
  const template = TEMPLATES.find((each) => each === (values.template ?? "plain"));
  if (template === undefined)
    return usageError(io, "init", `there is no template \`${values.template ?? ""}\``, TEMPLATES.join(", "));
  const root = pathFrom(io, named);
  const top = given === undefined ? checkoutAbove(root, io.home) : undefined;
  if (typeof top === "string")
    return usageError(
      io,
      "init",
      `${root} lies in a checkout, whose top is ${top}`,
      `\`cordon init ${printable(quoteWord(top))}\` for all of it, \`cordon init .\` for sessions that start here`,
    );
  return {
    root,
    template,
    local: values.local === true,
    yes: values.yes === true,
    dryRun: values["dry-run"] === true,
    json: values.json === true,
  };
}

/** The file, and what becomes of it. */
interface Plan {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string;
  readonly rules: readonly ProposedRule[];
  readonly keys: readonly ProposedKey[];
  /** Keys that say something else already, and stay. */
  readonly kept: readonly ProposedKey[];
}

async function carryOut(request: Request, io: Terminal, ask: Ask): Promise<number> {
  const { root, template, local, dryRun, json } = request;
  const look = lookAt(root);
  if (look.names.size === 0)
    return usageError(io, "init", `${root} is empty or no directory`, "name the top of a repository");
  const proposal = proposeSettings(look, template);
  const file = join(root, ".cordon", local ? "settings.local.json" : "settings.json");
  const plan = planFor(file, proposal);
  if (!json) show(plan, proposal, io);
  if (plan.after === (plan.before ?? "")) {
    if (json) io.stdout(report(request, plan, proposal, "unchanged"));
    else io.stdout("nothing to do: everything proposed stands there already\n");
    return EXIT.ok;
  }
  if (dryRun) {
    if (json) io.stdout(report(request, plan, proposal, "planned"));
    return EXIT.ok;
  }
  const answer = request.yes ? "yes" : await ask("write this? [y/N]: ", io.interrupted);
  if (answer !== "yes") {
    io.stderr("cordon init: nothing was changed\n");
    if (answer === "nobody")
      io.stderr("  hint: there is no terminal to ask on; look at the diff and add `--yes`\n");
    if (json) io.stdout(report(request, plan, proposal, "refused"));
    return EXIT.refused;
  }
  write(plan, local, stateDirectory(io.env, io.home));
  if (json) io.stdout(report(request, plan, proposal, "done"));
  else io.stdout(`${printable(file)} is written\n`);
  if (!local && plan.after.includes('"allow"'))
    io.stderr("  hint: its allow rules count once you have run `cordon trust`\n");
  return EXIT.ok;
}

/** What is missing in the file is added; what stands there stays, byte for byte. */
function planFor(file: string, { rules, keys }: Proposal): Plan {
  const before = textOf(file);
  let after = before ?? "{}\n";
  const newRules = rules.filter(({ effect, rule }) => {
    const edited = withRule(after, effect, rule);
    if (edited.fault !== undefined)
      throw new SettingsFileError(file, `${edited.fault}; nothing was changed`, edited.hint);
    after = edited.text;
    return edited.changed;
  });
  const kept: ProposedKey[] = [];
  const newKeys = keys.filter((key) => {
    const standing = readAt(file, after, key.path);
    if (standing !== undefined) {
      if (standing !== key.value) kept.push(key);
      return false;
    }
    after = setAt(file, after, key.path, key.value);
    return true;
  });
  // A new file has no layout of its own to keep.
  if (before === undefined && newRules.length + newKeys.length > 0)
    after = `${JSON.stringify(JSON.parse(after), undefined, 2)}\n`;
  return { file, before, after, rules: newRules, keys: newKeys, kept };
}

function textOf(file: string): string | undefined {
  const reading = readWhole(file, "refuse");
  if (reading.kind === "absent") return undefined;
  if (reading.kind === "fault") throw new SettingsFileError(file, reading.why, "change it by hand");
  const text = utf8(reading.bytes);
  if (text === undefined) throw new SettingsFileError(file, "is not written in UTF-8", "change it by hand");
  return text;
}

function show({ file, before, after, rules, keys, kept }: Plan, { found }: Proposal, io: Terminal): void {
  io.stdout(found.length === 0 ? "nothing known was found here\n" : `found: ${found.join(", ")}\n`);
  const width = Math.max(0, ...rules.map(({ rule }) => rule.length));
  for (const { effect, rule, why } of rules)
    io.stdout(`  ${effect.padEnd(5)}  ${printable(rule).padEnd(width)}  ${printable(why)}\n`);
  for (const { path, value, why } of keys) io.stdout(`  ${path.join(".")} = ${String(value)}  ${why}\n`);
  for (const { path, value } of kept)
    io.stdout(`  ${path.join(".")} says something else than ${String(value)}; it stays\n`);
  if (after !== (before ?? ""))
    io.stdout(`\n${unifiedDiff(file, before, after).split("\n").map(printable).join("\n")}\n`);
}

/** A local file is remembered as cordon's own, unless somebody else had a hand in it before. */
function write({ file, before, after }: Plan, local: boolean, state: string): void {
  withLock(state, file, () => {
    const old = before === undefined ? undefined : Buffer.from(before);
    const content = Buffer.from(after);
    const ours = local && (old === undefined || isWritten(state, file, old));
    if (local && !ours)
      throw new SettingsFileError(
        file,
        "was not written by cordon, so its rules do not count",
        "look through it and move it away, or trust the workspace",
      );
    makeDirectory(file);
    if (ours) recordWritten(state, file, old === undefined ? [content] : [old, content]);
    replaceFile(file, content, { from: old ?? "absent" });
    if (!ours) return;
    recordWritten(state, file, [content]);
    keepUntracked(file);
  });
}

function report(
  { template, root }: Request,
  { file, before, after, rules, keys, kept }: Plan,
  { found }: Proposal,
  result: "unchanged" | "planned" | "refused" | "done",
): string {
  const diff = unifiedDiff(file, before, after);
  return `${printableJson(JSON.stringify({ root, template, found, file, result, rules, keys, kept, diff }))}\n`;
}
