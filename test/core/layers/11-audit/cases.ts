import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject, stringAt, type JsonObject } from "../../../../src/core/call/json.ts";

/** Directory of the shared cases, or undefined (said aloud) when this machine has none. */
export function casesDirectory(): string | undefined {
  const directory = join(process.env["CORDON_SHARED"] ?? "../shared", "cases");
  if (existsSync(directory)) return directory;
  console.warn(`SKIPPED: no cases in ${directory}; set CORDON_SHARED`);
  return undefined;
}

export function rowsOf(directory: string, file: string): readonly JsonObject[] {
  return readFileSync(join(directory, file), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line))
    .filter(isObject);
}

/** The command of a row of attacks, benign, traps or a session. */
export function commandOf(row: JsonObject): string | undefined {
  const input = row["input"];
  return stringAt(row, "command") ?? (isObject(input) ? stringAt(input, "command") : undefined);
}
