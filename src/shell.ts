export { analyse } from "./core/shell/analyse.ts";
export type { Assigned, Invocation, RedirectEffect, Script } from "./core/shell/script.ts";
export { HOLE, isKnown, knownPrefix } from "./core/call/word.ts";
export type { Word } from "./core/call/word.ts";
export { openTables } from "./core/knowledge/tables.ts";
export type { TableSource, Tables } from "./core/knowledge/tables.ts";
export type { Reading } from "./core/knowledge/reading.ts";
export { builtInTables } from "./host/tables.ts";
