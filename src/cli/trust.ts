import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { confirm } from "../host/prompts/confirm.ts";
import { takeTurn } from "../host/prompts/turn.ts";
import { SettingsFileError } from "../host/settings/error.ts";
import { reasonOf } from "../host/settings/read-file.ts";
import { type TrustListing, listTrust, revokeTrust, trustStoreFault } from "../host/trust/listing.ts";
import { diffOf, trustScreen } from "../host/trust/screen.ts";
import type { TrustStore } from "../host/trust/store.ts";
import { type Survey, isSameSurvey, openQuestions, recordConsent, surveyAt } from "../host/trust/survey.ts";
import { refusedToAgent } from "./agent-session.ts";
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

/** How often a person is asked again because the files changed under their eyes. */
const MOST_QUESTIONS = 5;
/** Columns where nobody says how wide the terminal is. */
const USUAL_WIDTH = 80;

const HELP = `usage: cordon trust [DIR] [--json]
       cordon trust --list [--json]
       cordon trust --revoke [DIR] [--json]

Shows what the settings of a project would add (allow rules, directories, hooks, variables, commands,
MCP servers), marks what would run, and asks on the terminal. After a yes these files count, byte for
byte as they were shown; one that changes asks again. Deny and ask rules count without it.

Trust belongs to the git root, for a worktree to its main checkout, outside git to DIR itself; nested
repositories and submodules are trusted on their own. In the home directory it lasts for the session.

options:
  --list    what is trusted, and whether it is still what it was
  --revoke  forget it
  --json    print the result as JSON

There is no option that answers the question: it needs a person at a terminal.

exit status: 0 trusted or nothing to trust, 64 usage, 78 the store of cordon cannot be used,
126 not trusted: the answer was no, or there is no terminal; not revoked: an agent asked

examples:
  cordon trust
  cordon trust ~/work/app --json
  cordon trust --list
  cordon trust --revoke ~/work/app
`;

/** Asks for a yes at the controlling terminal. */
export type Ask = typeof confirm;

export const command: Command = trustWith(confirm);

/** The command with its way to a person. */
export function trustWith(ask: Ask): Command {
  return {
    name: "trust",
    summary: "let the settings of a project count",
    help: HELP,
    run: async (argv, io) => perform(argv, io, ask),
  };
}

async function perform(argv: readonly string[], io: Terminal, ask: Ask): Promise<number> {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { list: { type: "boolean" }, revoke: { type: "boolean" }, json: { type: "boolean" } },
    });
  } catch (error) {
    const fault = parseFault(error);
    if (fault === undefined) throw error;
    return usageError(io, "trust", fault);
  }
  const { list = false, revoke = false, json = false } = parsed.values;
  const [named, ...more] = parsed.positionals;
  if (more.length > 0)
    return usageError(io, "trust", `one directory at a time; \`${more[0] ?? ""}\` is too many`);
  if (named === "") return usageError(io, "trust", "the directory is empty");
  if (list && revoke) return usageError(io, "trust", "--list or --revoke, not both");
  if (list && named !== undefined) return usageError(io, "trust", "--list takes no directory");
  try {
    if (list) return showList(json, io);
    const directory = pathFrom(io, named ?? ".");
    if (revoke) return refusedToAgent(io, "trust", "what is trusted is") ?? showRevoked(directory, json, io);
    const fault = directoryFault(directory);
    if (fault !== undefined) return usageError(io, "trust", `${directory} ${fault}`, "name a directory");
    return await agree(directory, json, io, ask);
  } catch (error) {
    if (!(error instanceof SettingsFileError)) throw error;
    io.stderr(`cordon trust: ${printable(error.message)}\n`);
    if (error.hint !== undefined) io.stderr(`  hint: ${printable(error.hint)}\n`);
    return EXIT.settings;
  }
}

function directoryFault(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "is no directory";
  } catch (error) {
    return `cannot be looked at (${reasonOf(error)})`;
  }
}

/** Shows, asks, and records what was shown. */
async function agree(directory: string, json: boolean, io: Terminal, ask: Ask): Promise<number> {
  let survey = look(directory, io);
  for (let asked = 0; ; asked++) {
    const files = openQuestions(survey);
    if (files.length === 0) return settled(survey, json, io);
    const { store } = survey;
    if (store === undefined) {
      io.stderr(
        "cordon trust: cordon's state directory lies in this project, which could then trust itself\n",
      );
      io.stderr("  hint: set XDG_STATE_HOME to a directory of your own\n");
      return EXIT.settings;
    }
    const screen = trustScreen(survey, io.columns ?? USUAL_WIDTH, printable);
    const answer = asked < MOST_QUESTIONS ? await answerTo(`${screen}\ntrust this? [y/N]: `, io, ask) : "no";
    if (answer !== "yes") return refused(survey, answer === "nobody" ? screen : undefined, json, io);
    const now = look(directory, io);
    if (isSameSurvey(survey, now)) return agreed(survey, store, json, io);
    io.stderr("cordon trust: the files changed while you were reading; this is what they are now\n");
    survey = now;
  }
}

function look(directory: string, io: Terminal): Survey {
  try {
    return surveyAt(directory, { env: io.env, home: io.home });
  } catch (error) {
    throw new SettingsFileError(directory, `cannot be looked through (${reasonOf(error)})`, undefined, error);
  }
}

/** One question at a time on one terminal. What is asked about is shown there, wherever the result goes. */
async function answerTo(text: string, io: Terminal, ask: Ask): Promise<"yes" | "no" | "nobody"> {
  const endTurn = await takeTurn(io.interrupted);
  if (endTurn === undefined) return "no";
  try {
    return await ask(text, io.interrupted);
  } finally {
    endTurn();
  }
}

function agreed(survey: Survey, store: TrustStore, json: boolean, io: Terminal): number {
  recordConsent(survey, store, new Date().toISOString());
  const count = survey.files.filter(({ status }) => status !== "fault").length;
  const lasts = store.lasts === "session" ? ", for this session" : "";
  if (json) io.stdout(report(survey, "trusted"));
  else io.stdout(`trusted: ${printable(survey.at.place)} (${count} file${count === 1 ? "" : "s"}${lasts})\n`);
  return EXIT.ok;
}

/** Nothing is left to ask about. */
function settled(survey: Survey, json: boolean, io: Terminal): number {
  const trusted = survey.files.some(
    ({ status, contribution }) => status === "trusted" && contribution.entries.some(({ opens }) => opens),
  );
  for (const { subject, contribution } of survey.files) {
    if (contribution.fault !== undefined)
      io.stderr(
        `cordon trust: ${printable(subject.path)} does not count: ${printable(contribution.fault)}\n`,
      );
  }
  if (json) io.stdout(report(survey, trusted ? "unchanged" : "nothing"));
  else
    io.stdout(
      trusted
        ? `nothing to do: ${printable(survey.at.place)} is trusted as it is\n`
        : `nothing to trust: no settings in ${printable(survey.at.directory)} would add anything\n`,
    );
  return EXIT.ok;
}

function refused(survey: Survey, unseen: string | undefined, json: boolean, io: Terminal): number {
  if (json) io.stdout(report(survey, "refused"));
  else if (unseen !== undefined) io.stdout(unseen);
  io.stderr("cordon trust: nothing is trusted that was not before\n");
  if (unseen !== undefined)
    io.stderr("  hint: there is no terminal to ask on; run `cordon trust` in a terminal of your own\n");
  const { reason }: { readonly reason: unknown } = io.interrupted;
  return reason instanceof Interruption ? reason.status : EXIT.refused;
}

function report(
  { at, store, files, replaced }: Survey,
  result: "trusted" | "unchanged" | "nothing" | "refused",
): string {
  return jsonLine({
    place: at.place,
    directory: at.directory,
    kind: at.kind,
    ...(at.kind === "worktree" ? { worktree: at.checkout } : {}),
    lasts: store?.lasts ?? "never",
    result,
    replaced,
    files: files.map(({ subject, contribution, status, sha256, before }) => ({
      path: subject.path,
      status: result === "trusted" && status !== "fault" ? "trusted" : status,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(contribution.fault === undefined ? {} : { fault: contribution.fault }),
      ...(before === undefined ? {} : { diff: diffOf(subject.path, before, subject.text) }),
      entries: contribution.entries.map(({ kind, line, text, runs, opens, note }) => ({
        kind,
        line,
        text,
        runs,
        opens,
        note,
      })),
    })),
  });
}

function showList(json: boolean, io: Terminal): number {
  const whose = { env: io.env, home: io.home };
  const fault = trustStoreFault(whose);
  if (fault !== undefined) io.stderr(`cordon trust: nothing counts as trusted: ${printable(fault)}\n`);
  const listings = listTrust(whose);
  if (json) io.stdout(jsonLine(listings));
  else io.stdout(listings.length === 0 ? "nothing is trusted\n" : listings.map(listed).join(""));
  return fault === undefined ? EXIT.ok : EXIT.settings;
}

function listed({ place, when, lasts, stands, files }: TrustListing): string {
  const since = when === "" ? "" : ` since ${when.slice(0, 10)}`;
  const state = { here: "", replaced: ": another directory now, not trusted", gone: ": gone" }[stands];
  const session = lasts === "session" ? " (this session)" : "";
  return [
    `${printable(place)}${printable(since)}${session}${state}\n`,
    ...files.map(({ file, state: now }) => `  ${now.padEnd(8)}${printable(file)}\n`),
  ].join("");
}

function showRevoked(directory: string, json: boolean, io: Terminal): number {
  const revoked = revokeTrust(directory, { env: io.env, home: io.home });
  if (json) io.stdout(jsonLine({ result: revoked.length > 0 ? "revoked" : "nothing", places: revoked }));
  else if (revoked.length === 0) io.stdout(`nothing to do: ${printable(directory)} is not trusted\n`);
  else for (const place of revoked) io.stdout(`no longer trusted: ${printable(place)}\n`);
  return EXIT.ok;
}

function jsonLine(value: unknown): string {
  return `${printableJson(JSON.stringify(value))}\n`;
}
