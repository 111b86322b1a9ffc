import { parseArgs } from "node:util";
import { confirm } from "../host/prompts/confirm.ts";
import { openSession, runtimeDirectory, sessionId } from "../host/session/session.ts";
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
import { type Ask, type Machine, changePermissions } from "./permissions-change.ts";
import { showPermissions } from "./permissions-list.ts";

const HELP = `usage: cordon permissions [list] [--problems] [--effect EFFECT] [--tool TOOL] [OPTIONS]
       cordon permissions add EFFECT RULE [--user | --project | --local] [OPTIONS]
       cordon permissions remove EFFECT RULE [--user | --project | --local] [OPTIONS]
       cordon permissions revoke (RULE | --all) [--session NAME] [--json]

Shows every rule with its file and line, whether it counts, and how often it spoke; marks rules that
never decide anything, that hardly do what is meant, and that are broader than they look. Adds and
removes rules in settings files, and takes back what was allowed for a session.

EFFECT is allow, ask or deny. A rule is \`Tool\` or \`Tool(specifier)\`; quote it.

list:
  --problems       only rules with a remark; status 1 where there are any
  --effect EFFECT  only these
  --tool TOOL      only rules for this tool
  --session NAME   whose grants to show (default $CORDON_SESSION, else the terminal)
  --cwd DIR        the project
  --settings FILE  settings of the command-line scope: a file, or JSON text
  --no-ambient     read no settings file of the machine, the project or the person

add, remove: show what changes; ask before something is loosened
  --local          .cordon/settings.local.json of the project (default of add)
  --project        .cordon/settings.json of the project
  --user           ~/.config/cordon/settings.json
  --cwd DIR        the project
  --yes            do not ask
  --anyway         save an allow rule that managed settings do not let count
  --dry-run        show what would change and write nothing
  remove without a scope finds the file; it also looks into the files of .claude.
  None of the three works in an agent's session.

  --json           print the result as JSON

exit status: 0 done, or nothing to do; 1 \`--problems\` found some; 64 usage, or a rule that cannot be
read; 78 settings that cannot be read or changed; 126 not changed: nobody agreed, an agent
asked, or the rule would not count

examples:
  cordon permissions --problems
  cordon permissions --effect allow --tool Bash --json
  cordon permissions add allow 'Bash(npm test *)'
  cordon permissions add deny 'Read(.env)' --project --dry-run
  cordon permissions remove allow 'Bash(npm *)'
  cordon permissions revoke --all
`;

export const command: Command = permissionsWith(confirm);

/** The command with its way to ask a person, on a machine. */
export function permissionsWith(ask: Ask, machine: Machine = {}): Command {
  return {
    name: "permissions",
    summary: "show rules and what is wrong with them; add, remove, revoke",
    help: HELP,
    async run(argv, io) {
      const [verb, ...rest] = argv;
      if (verb === "--help" || verb === "-h") {
        io.stdout(HELP);
        return EXIT.ok;
      }
      try {
        if (verb === "add" || verb === "remove") return await changePermissions(verb, rest, io, ask, machine);
        if (verb === "revoke") return revoke(rest, io);
        return showPermissions(verb === "list" ? rest : argv, io);
      } catch (error) {
        const fault = parseFault(error);
        if (fault === undefined) throw error;
        return usageError(io, "permissions", fault);
      }
    },
  };
}

/** Takes back what was allowed for a session. */
function revoke(argv: readonly string[], io: Terminal): number {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { all: { type: "boolean" }, session: { type: "string" }, json: { type: "boolean" } },
  });
  const [rule, ...more] = positionals;
  const all = values.all === true;
  if (more.length > 0)
    return usageError(io, "permissions", `\`${more[0] ?? ""}\` is too many`, "quote the rule");
  if ((rule === undefined) === !all)
    return usageError(
      io,
      "permissions",
      all ? "a rule and --all do not go together" : "what to revoke is missing",
      "write a rule of `cordon permissions`, or --all",
    );
  if (values.session === "") return usageError(io, "permissions", "--session is empty");
  const no = refusedToAgent(io, "permissions", "what was granted is");
  if (no !== undefined) return no;
  const session = openSession(sessionId(values.session, io.env), runtimeDirectory(io.env, io.home));
  let revoked: readonly string[];
  try {
    revoked = session.revoke(rule);
  } catch (error) {
    io.stderr(`cordon permissions: ${printable(error instanceof Error ? error.message : String(error))}\n`);
    return EXIT.settings;
  }
  if (values.json === true)
    io.stdout(`${printableJson(JSON.stringify({ session: session.id, revoked }, undefined, 2))}\n`);
  else {
    for (const each of revoked) io.stdout(`revoked ${printable(each)}\n`);
    if (revoked.length === 0) io.stdout("nothing to revoke: this session was not granted that\n");
  }
  return EXIT.ok;
}
