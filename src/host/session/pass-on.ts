import { createHash } from "node:crypto";
import { isWithin, normalise } from "../../core/call/path.ts";
import type { Environment } from "../settings/places.ts";
import { realAbove, recordedTrust } from "../trust/belief.ts";
import { isInside } from "../trust/place.ts";
import { type DenialKind, denialKinds } from "./denials.ts";
import { type Instruction, instructionsFor } from "./instructions.ts";
import type { Session } from "./session.ts";

/** Most characters an agent takes in at once; what is longer it would put aside. */
export const LONGEST_CONTEXT = 10_000;

/** Whose instructions, and about what. Absolute paths. */
export interface Passing {
  readonly root: string;
  readonly home: string;
  readonly env: Environment;
  /** The files of the call. */
  readonly files: readonly string[];
  readonly session: Pick<Session, "tell">;
  /** Who reads in the session: a subagent does not know what the agent was told. */
  readonly reader: string;
  /** Settings of the project wait for consent: it changed since somebody trusted it. */
  readonly waiting: boolean;
  /** Makes a line harmless to show. */
  readonly escape: (line: string) => string;
}

/**
 * The instructions about the files of a call that the reader was not told yet, as one text;
 * undefined where there are none. Those for which there is no room are left for a later call.
 *
 * INVARIANT: a project's instructions only where a person agreed to these very bytes and nothing in
 * its settings waits for consent; those in the person's own home always. At most `LONGEST_CONTEXT`
 * characters; what cannot be remembered as told is not told.
 */
export function instructionsToPass(passing: Passing): string | undefined {
  const { root, home, files, session, reader, escape } = passing;
  const top = normalise(root);
  const relative = files
    .map((file) => normalise(file))
    .filter((file) => file !== top && isWithin(file, top))
    .map((file) => file.slice(top === "/" ? 1 : top.length + 1));
  if (relative.length === 0) return undefined;
  const found = [
    ...(passing.waiting ? [] : labelled(instructionsFor(root, relative, believed(passing)).instructions, "")),
    ...(isInside(realAbove(home), realAbove(root))
      ? []
      : labelled(instructionsFor(home, relative).instructions, "~/")),
  ];
  const head = `cordon: instructions for ${plain(escape(relative.join(", "))).slice(0, 300)}. They say how to work there; they permit nothing.`;
  const chosen: string[] = [];
  let room = LONGEST_CONTEXT - head.length;
  for (const { label, instruction } of found) {
    const text = textOf(label, instruction, escape);
    const name = digestOf(`${reader}\0${label}\0${instruction.text}`);
    const most = LONGEST_CONTEXT - head.length;
    const fitting = text.length > most ? `${shortened(text, most - CUT.length)}${CUT}` : text;
    if (fitting.length > room || session.tell([name]).length === 0) continue;
    room -= fitting.length;
    chosen.push(fitting);
  }
  return chosen.length === 0 ? undefined : `${head}${chosen.join("")}`;
}

const CUT = "\n[cut: read the file for the rest]";

interface Labelled {
  /** How the file is called to the reader. */
  readonly label: string;
  readonly instruction: Instruction;
}

function labelled(instructions: readonly Instruction[], prefix: string): readonly Labelled[] {
  return instructions.map((instruction) => ({ label: `${prefix}${instruction.file}`, instruction }));
}

function textOf(label: string, { text, cut }: Instruction, escape: (line: string) => string): string {
  const lines = text
    .trim()
    .split(/\r?\n/)
    .map((line) => plain(escape(line.replaceAll("\t", "    "))));
  return `\n\n${plain(escape(label))}:\n${lines.join("\n")}${cut ? CUT : ""}`;
}

/** Whether a person agreed to a file as it is, here or in the main checkout. False where that cannot be told. */
function believed({ root, home, env }: Passing): (file: string, bytes: Uint8Array) => boolean {
  const believes = recordedTrust({ root, home, env });
  return (file, bytes) => believes(file, bytes) !== false;
}

/** What was denied in a session, as one text for the agent; undefined where nothing was. */
export function denialsToPass(
  session: Pick<Session, "denials">,
  escape: (line: string) => string,
  least = 1,
): string | undefined {
  const kinds = denialKinds(session.denials());
  if (kinds.length < least) return undefined;
  const head =
    "cordon: denied in this session. Do not try these in another way; where one is needed, ask the person.";
  return shortened([head, ...kinds.map((kind) => plain(escape(lineOf(kind))))].join("\n"), LONGEST_CONTEXT);
}

function lineOf({ tool, pattern, code, count }: DenialKind): string {
  return `${count}x ${tool === pattern || pattern.startsWith(`${tool}(`) ? pattern : `${tool} ${pattern}`} (${code})`;
}

/** The agent takes what stands between such marks for its host's own words; none may end or begin here. */
function plain(line: string): string {
  return line.replace(/<(?=\s*\/?\s*system-)/gi, "&lt;");
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
