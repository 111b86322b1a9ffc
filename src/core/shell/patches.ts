import { literalWord } from "../call/word.ts";
import type { Collection, Place } from "./collection.ts";
import type { ShellState } from "./environment.ts";
import type { Invocation } from "./script.ts";

/** Most files of one patch that are looked at. */
const MOST = 1_000;

/** A command that changes the files its input names. */
export function isPatcher({ reading }: Invocation): boolean {
  const [name, sub] = reading.path;
  return name === "patch" || name === "apply_patch" || (name === "git" && (sub === "apply" || sub === "am"));
}

/** The files a patch in the command itself would change; they count for what their paths mean. */
export function filePatch(
  into: Collection,
  reader: Invocation,
  text: string,
  state: ShellState,
  place: Place,
): void {
  const { span } = reader;
  const paths = [...patched(text)];
  if (paths.length > MOST) into.cut = true;
  for (const path of paths.slice(0, MOST)) {
    const word = literalWord(path, span);
    const { directories } = state;
    into.redirects.push({
      part: reader.id,
      action: "write",
      word,
      directories,
      span: place.anchor ?? span,
      append: false,
      hint: true,
    });
  }
}

/** The names as they stand and without their first part, as `-p0` and `-p1` read them. */
function patched(text: string): ReadonlySet<string> {
  const paths = new Set<string>();
  for (const [, plain, quoted] of text.matchAll(
    /^(?:\+\+\+ |--- |rename to |copy to |Index: |\*\*\* (?:Add|Update|Delete) File: |\*\*\* Move to: )(?:"([^"\n]+)"|([^\t\n]+))/gm,
  )) {
    const path = (plain ?? quoted ?? "").trim();
    if (path === "" || path === "/dev/null") continue;
    paths.add(path);
    if (path.includes("/")) paths.add(path.slice(path.indexOf("/") + 1));
  }
  return paths;
}
