import { FILES } from "./files.ts";
import { GIT } from "./git.ts";
import { LANGUAGES } from "./languages.ts";
import { WEB } from "./web.ts";
import type { Work } from "./work.ts";

/** Everything that has to go on working, on every rung, as root and as anybody. */
export const WORKS: readonly (readonly [area: string, works: readonly Work[]])[] = [
  ["files and shell", FILES],
  ["git", GIT],
  ["languages", LANGUAGES],
  ["web", WEB],
];
