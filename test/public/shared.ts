import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where other people's cases lie: CORDON_SHARED, else beside the checkout; undefined where there are none. */
export const SHARED: string | undefined = [process.env["CORDON_SHARED"] ?? resolve("..", "shared")].find(
  (place) => existsSync(join(place, "cases")),
);

/** One row of a case file; only the fields that are read here. */
export interface Row {
  readonly id: string;
  readonly kind?: string;
  readonly group?: string;
  readonly cls?: string;
  readonly tier?: number;
  readonly expect?: string;
  readonly tags?: readonly string[];
  readonly ctx?: { readonly cwd?: string };
  readonly command?: string;
  readonly tool?: string;
  readonly input?: Readonly<Record<string, never>>;
  readonly settings?: Readonly<Record<string, never>> | string;
  readonly scopes?: Readonly<Record<"user" | "project", Readonly<Record<string, never>> | undefined>>;
  readonly mode?: string;
  readonly cwd?: string;
  readonly decision?: string;
  readonly may?: readonly string[];
  readonly decision_at_least?: string;
  readonly rule?: string;
  readonly rule_type?: "allow" | "ask" | "deny";
  readonly allow?: readonly string[];
  readonly ask?: readonly string[];
  readonly deny?: readonly string[];
  readonly path?: string;
  readonly host?: string;
  readonly symlink_to?: string;
}

/** The rows of a file below SHARED. */
export function rowsOf(file: string): readonly Row[] {
  if (SHARED === undefined) throw new Error("there are no shared cases: set CORDON_SHARED");
  return readFileSync(join(SHARED, file), "utf8")
    .trim()
    .split("\n")
    .map((line): Row => JSON.parse(line));
}
