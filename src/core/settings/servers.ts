import { isObject } from "../call/json.ts";
import { all, locked, opens, originOf, problemAt } from "./pick.ts";
import type { Origin } from "./origin.ts";
import type { Problem } from "./problem.ts";
import type { Found, SettingsReading } from "./reading.ts";
import type { McpServerEntry } from "./settings.gen.ts";

const LIST = "allowedMcpServers";
const LOCK = "allowManagedMcpServersOnly";

export interface ServerName {
  readonly kind: "exact" | "pattern";
  readonly text: string;
}

/**
 * One list of the only MCP servers that may be used, by name. A name is what the agent calls the
 * server: anybody may give it to any server.
 */
export interface ServerList {
  /** A server may be used if one of them is its name; in a `pattern` `*` stands for anything. */
  readonly names: readonly ServerName[];
  readonly key: typeof LIST | typeof LOCK;
  readonly origin: Origin;
}

/**
 * The lists that each have to admit a server. Every managed file has its own, those of trusted
 * files below them join, one of an untrusted file can only narrow.
 *
 * INVARIANT: nothing below widens a managed list. A list that names servers by more than a name
 * admits none here; the calls it governs are denied or ask elsewhere.
 */
export function serverLists(
  readings: readonly SettingsReading[],
  problems: Problem[],
): readonly ServerList[] {
  const set = all(readings, LIST).filter(({ found }) => isByName(found));
  const listOf = (
    of: readonly { readonly reading: SettingsReading; readonly found: Found<ServerEntries> }[],
  ): readonly ServerList[] => {
    const [first] = of;
    if (first === undefined) return [];
    const names = of.flatMap(({ found }) => found.value.flatMap((entry) => nameOf(entry) ?? []));
    return [{ names, key: LIST, origin: originOf(first.reading, first.found) }];
  };
  for (const { reading, found } of set) {
    for (const [index, entry] of found.value.entries()) {
      if (typeof entry !== "string") continue;
      const message = `\`${entry}\` is only a name, which anybody may give to any server`;
      problems.push(
        problemAt(
          reading,
          found,
          LIST,
          { severity: "note", message, hint: "write deny rules for what must not run" },
          index,
        ),
      );
    }
  }
  const managed = set.filter(({ reading }) => reading.source.scope === "managed");
  const below = set.filter(({ reading }) => reading.source.scope !== "managed");
  const lock = locked(readings, LOCK);
  const hasList = all(readings, LIST).some(({ reading }) => reading.source.scope === "managed");
  return [
    ...managed.flatMap((each) => listOf([each])),
    ...(lock !== undefined && !hasList ? [{ names: [], key: LOCK, origin: lock } as const] : []),
    ...listOf(below.filter(({ reading }) => opens(reading))),
    ...below.filter(({ reading }) => !opens(reading)).flatMap((each) => listOf([each])),
  ];
}

type ServerEntries = readonly McpServerEntry[];

/**
 * True when a name is all that counts: no entry by command or address stands in the list, readable
 * or not, beside which names do not suffice. Any other entry that cannot be read admits nothing.
 */
export function isByName({ value, unread = [] }: Found<ServerEntries>): boolean {
  return (
    value.every((entry) => nameOf(entry) !== undefined) &&
    unread.every((entry) => !(isObject(entry) && ("serverUrl" in entry || "serverCommand" in entry)))
  );
}

function nameOf(entry: McpServerEntry): ServerName | undefined {
  if (typeof entry === "string") return { kind: "pattern", text: entry };
  return "serverName" in entry ? { kind: "exact", text: entry.serverName } : undefined;
}
