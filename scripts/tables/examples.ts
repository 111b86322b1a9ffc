import { COMMAND_CLASSES, type CommandClass } from "../../src/core/knowledge/spec.ts";
import type { Tables } from "../../src/core/knowledge/tables.ts";
import { analyse } from "../../src/core/shell/analyse.ts";

/** What the tables make of a whole command line; `unknown` as soon as anything in it is. */
export function classOf(
  tables: Tables,
  command: string,
): { readonly class: CommandClass | "unknown"; readonly destructive: boolean; readonly why: string } {
  const script = analyse(command, "/project", "/home/user", tables);
  let worst: CommandClass | "unknown" = "read-only";
  const raise = (to: CommandClass | "unknown"): void => {
    if (worst === "unknown") return;
    if (to === "unknown" || COMMAND_CLASSES.indexOf(to) > COMMAND_CLASSES.indexOf(worst)) worst = to;
  };
  const why: string[] = script.doubts.map((doubt) => doubt.why);
  if (script.doubts.length > 0) raise("unknown");
  for (const { reading, guessed } of script.invocations) {
    if (guessed === true) continue;
    raise(reading.class ?? "unknown");
    why.push(...reading.doubts.map((doubt) => doubt.why));
  }
  if (script.redirects.some((redirect) => redirect.action === "write" && redirect.word.text !== "/dev/null"))
    raise("file-modifying");
  const destructive = script.invocations.some(({ reading }) => reading.dangers.length > 0);
  return { class: worst, destructive, why: why.join("; ") };
}

/** Runs the examples filed under one label: a class, `unknown`, `destructive` or `harmless` (not destructive). */
export function failedExamples(
  tables: Tables,
  label: string,
  commands: readonly string[],
): readonly string[] {
  const failures: string[] = [];
  for (const command of commands) {
    const found = classOf(tables, command);
    const holds =
      label === "destructive"
        ? found.destructive
        : label === "harmless"
          ? !found.destructive
          : found.class === label && (label !== "read-only" || !found.destructive);
    if (!holds)
      failures.push(
        `\`${command}\` should be ${label} and is ${found.class}${found.destructive ? ", destructive" : ""} (${found.why})`,
      );
  }
  return failures;
}
