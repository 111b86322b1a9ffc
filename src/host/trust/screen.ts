import { unifiedDiff } from "../settings/diff.ts";
import { foldText } from "../prompts/terminal.ts";
import { ENTRY_KINDS, type TrustEntry, entriesOf } from "./entries.ts";
import { type Survey, type SurveyedFile, openQuestions } from "./survey.ts";

/** Columns before the text of an entry's second and later lines. */
const INDENT = 8;
const NAMES: Readonly<Record<TrustEntry["kind"], string>> = {
  hook: "hook",
  command: "command",
  server: "MCP server",
  code: "hook file",
  "plug-in": "plug-in",
  environment: "variable",
  allow: "allow rule",
  directory: "directory",
  sandbox: "setting",
  mode: "mode",
  instructions: "instructions",
  other: "setting",
};

/**
 * What a person reads before they agree: everything the files would add, with file and line, what
 * runs first, and what has changed since they last agreed.
 *
 * INVARIANT: nothing is shortened, every character that could move the cursor is escaped by
 * `printable`, and every line is folded, so that no text of a file starts where ours does.
 */
export function trustScreen(survey: Survey, columns: number, printable: (text: string) => string): string {
  const room = Math.max(40, columns) - INDENT;
  const asked = openQuestions(survey);
  const entries = asked
    .flatMap((file) => markedEntries(file))
    .toSorted((a, b) => rank(a.entry) - rank(b.entry));
  const runs = entries.filter(({ entry }) => entry.runs).length;
  const folded = (text: string): string => foldText(printable(text), room).join(`\n${" ".repeat(INDENT)}`);
  const rows = entries.map(({ entry, isNew }) => {
    const { kind, path, line, text, note } = entry;
    const mark = entry.runs ? "! runs  " : "        ";
    const added = isNew ? ", new" : "";
    const remark = note === undefined ? "" : ` (${note})`;
    return `${mark}${folded(`${path}:${line}  ${NAMES[kind]}${added}${remark}`)}\n${" ".repeat(INDENT)}${folded(`  ${text}`)}\n`;
  });
  const known = survey.files.filter(({ status }) => status === "trusted");
  return [
    `${folded(headline(survey))}\n\n`,
    ...(survey.replaced ? ["Another directory or repository was trusted under this name.\n\n"] : []),
    "Its settings would add:\n\n",
    ...rows,
    ...asked.map((file) => changeOf(file, printable, room)),
    ...survey.files.map(({ subject, contribution }) =>
      contribution.fault === undefined
        ? ""
        : `\nDoes not count: ${folded(`${subject.path}: ${contribution.fault}`)}\n`,
    ),
    ...(known.length === 0
      ? []
      : [`\nTrusted already: ${folded(known.map(({ subject }) => subject.path).join(", "))}\n`]),
    `\n${count(entries.length, "entry", "entries")}, ${runs === 0 ? "none runs anything by itself" : `${runs} of which ${runs === 1 ? "runs" : "run"} or may run programs`}. `,
    "Deny and ask rules count in any case.\n",
    ...(survey.store?.lasts === "session"
      ? ["This is your home directory or lies above it: trust lasts for this session.\n"]
      : []),
  ].join("");
}

function headline({ at }: Survey): string {
  switch (at.kind) {
    case "repository":
      return `The repository ${at.place}`;
    case "worktree":
      return `The repository ${at.place}, of which ${at.checkout} is a worktree`;
    case "directory":
      return `The directory ${at.place}, which is in no repository`;
  }
}

/** What runs comes first. */
function rank({ kind, runs }: TrustEntry): number {
  return ENTRY_KINDS.indexOf(kind) + (runs ? 0 : ENTRY_KINDS.length);
}

function markedEntries({ contribution, subject, before }: SurveyedFile): readonly {
  readonly entry: TrustEntry;
  readonly isNew: boolean;
}[] {
  const told = ({ kind, text }: TrustEntry): string => `${kind} ${text}`;
  const old =
    before === undefined || subject.bytes === undefined
      ? undefined
      : new Set(entriesOf({ ...subject, bytes: Buffer.from(before), text: before }, "/").entries.map(told));
  return contribution.entries.map((entry) => ({ entry, isNew: old !== undefined && !old.has(told(entry)) }));
}

/** The difference to what was agreed to. */
function changeOf(
  { status, subject, before }: SurveyedFile,
  printable: (text: string) => string,
  room: number,
): string {
  if (status !== "changed") return "";
  const head = `\nChanged since it was trusted: ${printable(subject.path)}\n`;
  if (before === undefined) return `${head}        what it was before is not kept any more\n`;
  const lines = diffOf(subject.path, before, subject.text).split("\n").slice(2, -1);
  const shown = lines.flatMap((line) =>
    foldText(printable(line), room).map((part) => `${" ".repeat(INDENT)}${part}\n`),
  );
  return head + shown.join("");
}

/** The difference as a unified diff. */
export function diffOf(path: string, before: string, after: string | undefined): string {
  return unifiedDiff(path, before, after);
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
