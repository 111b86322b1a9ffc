import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { failedExamples } from "../../scripts/tables/examples.ts";
import { TableFault, expandFile } from "../../scripts/tables/expand.ts";
import { openTables, storeEntry } from "../../src/core/knowledge/tables.ts";
import { builtInTables } from "../../src/host/tables.ts";

const FILE = {
  checked: "thing 1.0",
  commands: {
    thing: {
      class: "read-only",
      flags: "-a -b,--brief",
      options: { "-o, --output": "write", "-n": "text", "--run": "!runs whatever it is given" },
      operands: ["read..."],
      subcommands: { "show, view": { class: "read-only", flags: "-x" }, wipe: { class: "file-modifying" } },
      examples: { "read-only": ["thing show -x"] },
    },
  },
};

/** FILE with its command changed. */
function changed(change: object): unknown {
  return { ...FILE, commands: { thing: { ...FILE.commands.thing, ...change } } };
}

function tablesOf(file: unknown): ReturnType<typeof openTables> {
  const [command] = expandFile(file);
  if (command === undefined) throw new Error("there is no command");
  const text = storeEntry({ name: "thing", checked: command.checked, spec: command.spec });
  return openTables({ hash: "test", text: (name) => (name === "thing" ? text : undefined) });
}

describe("a file of tables", () => {
  it.each([
    ["an unknown key", { colour: "red" }, /thing: unknown key `colour`/],
    ["an unknown class", { class: "harmless" }, /thing\.class: `harmless` is none of/],
    ["an option without a dash", { options: { o: "text" } }, /options: `o` does not start with a dash/],
    ["an unknown kind of value", { options: { "-o": "file" } }, /thing -o: `file` is none of/],
    ["a flag without a dash", { flags: "a" }, /flags: `a` does not start with a dash/],
    ["two operands that repeat", { operands: ["read...", "write..."] }, /only one operand may repeat/],
    ["a switch that is false", { exact: false }, /thing\.exact: can only be true/],
    ["a group that is none", { uses: ["common"] }, /no group `common` above it/],
    ["a subcommand twice", { subcommands: { show: {}, "list, show": {} } }, /thing show: defined twice/],
    ["no example", { examples: {} }, /thing: needs examples/],
    ["an unknown reader", { reader: "guess" }, /thing\.reader/],
  ])("is refused for %s, with its place", (_, change, message) => {
    expect(() => expandFile(changed(change))).toThrow(TableFault);
    expect(() => expandFile(changed(change))).toThrow(message);
  });

  it("is refused where an example is not what it says", () => {
    const tables = tablesOf(FILE);
    expect(failedExamples(tables, "read-only", ["thing", "thing -ab x", "thing view -x"])).toEqual([]);
    expect(failedExamples(tables, "destructive", ["thing --run"])).toEqual([]);
    expect(failedExamples(tables, "unknown", ["thing -z", "thing show -y"])).toEqual([]);
    for (const command of ["thing wipe", "thing -o x y", "thing -z", "thing show -y", "thing --run"])
      expect(failedExamples(tables, "read-only", [command]), command).toHaveLength(1);
    expect(failedExamples(tables, "harmless", ["thing --run"])).toHaveLength(1);
  });
});

describe("entries on the disk", () => {
  const built = builtInTables();
  const names = readdirSync("data/commands").flatMap((file) =>
    expandFile(JSON.parse(readFileSync(`data/commands/${file}`, "utf8"))).flatMap((command) =>
      command.names.map((name) => [name, command] as const),
    ),
  );

  it("are what data/commands says, every one of them", () => {
    expect(names.length).toBeGreaterThan(1000);
    for (const [name, { checked, spec }] of names)
      expect(built.entry(name), name).toEqual({ name, checked, spec: structuredClone(spec) });
  });

  it("keep subcommands apart: one that is read changes nothing about the others", () => {
    const first = builtInTables().entry("git");
    const second = builtInTables().entry("git");
    expect(first?.spec.subcommands?.["log"]).toEqual(second?.spec.subcommands?.["log"]);
    expect(first?.spec.subcommands?.["log"]).toBe(first?.spec.subcommands?.["log"]);
    expect(Object.keys(first?.spec.subcommands ?? {})).toEqual(Object.keys(second?.spec.subcommands ?? {}));
  });

  it.each(["", " ", "nosuchcommand", "git 1", "\ngit", "it", "gi", "__proto__", "constructor", "git\n"])(
    "are not found under %j",
    (name) => {
      expect(built.entry(name)).toBeUndefined();
      expect(built.read(name, []).class).toBeUndefined();
    },
  );
});
