import {
  COMMAND_CLASSES,
  type CommandSpec,
  type DangerSpec,
  type OperandSpec,
  type OptionSpec,
  READER_NAMES,
  VALUE_KINDS,
} from "../../src/core/knowledge/spec.ts";

/** A fault in a table, with the place inside the file. */
export class TableFault extends Error {}

/** One command of a file, shorthand expanded. */
export interface ExpandedCommand {
  readonly names: readonly string[];
  readonly checked: string;
  readonly spec: CommandSpec;
  readonly examples: readonly (readonly [string, readonly string[]])[];
}

type Raw = Readonly<Record<string, unknown>>;
type Groups = Readonly<Record<string, Pick<CommandSpec, "flags" | "options">>>;

/** Reads one file of data/commands (form: data/README.md). Throws TableFault. */
export function expandFile(value: unknown): readonly ExpandedCommand[] {
  const file = record(value, "file");
  only(file, ["about", "checked", "groups", "commands"], "file");
  const checked = text(file["checked"], "checked");
  const groups: Record<string, Pick<CommandSpec, "flags" | "options">> = {};
  for (const [name, listed] of Object.entries(record(file["groups"] ?? {}, "groups"))) {
    const raw = record(listed, `groups.${name}`);
    only(raw, ["flags", "options", "uses"], `groups.${name}`);
    groups[name] = {
      flags: flags(raw, groups, `groups.${name}`),
      options: options(raw, groups, `groups.${name}`),
    };
  }
  return Object.entries(record(file["commands"], "commands")).map(([name, command]) => {
    const raw = record(command, name);
    const examples = Object.entries(record(raw["examples"] ?? {}, `${name}.examples`)).map(
      ([label, list]): readonly [string, readonly string[]] => [
        label,
        texts(list, `${name}.examples.${label}`),
      ],
    );
    if (examples.length === 0) throw new TableFault(`${name}: needs examples`);
    const names = [name, ...texts(raw["names"] ?? [], `${name}.names`)];
    return {
      names,
      checked: raw["checked"] === undefined ? checked : text(raw["checked"], `${name}.checked`),
      spec: expandSpec(raw, groups, name, true),
      examples,
    };
  });
}

const KEYS: readonly string[] = [
  "class",
  "bare",
  "style",
  "stop",
  "bundle",
  "exact",
  "flags",
  "options",
  "operands",
  "subcommands",
  "recursive",
  "here",
  "never",
  "harmless",
  "danger",
  "uses",
  "transparent",
  "privilege",
  "stdin",
  "always",
  "reader",
  "why",
];

function expandSpec(raw: Raw, groups: Groups, at: string, top: boolean): CommandSpec {
  only(raw, top ? [...KEYS, "names", "checked", "examples"] : KEYS, at);
  const subcommands: Record<string, CommandSpec> = {};
  for (const [names, sub] of Object.entries(record(raw["subcommands"] ?? {}, `${at}.subcommands`))) {
    for (const name of names.split(",").map((part) => part.trim())) {
      if (subcommands[name] !== undefined) throw new TableFault(`${at} ${name}: defined twice`);
      subcommands[name] = expandSpec(record(sub, `${at} ${name}`), groups, `${at} ${name}`, false);
    }
  }
  const spec: Record<string, unknown> = {
    class: raw["class"] === undefined ? undefined : oneOf(raw["class"], COMMAND_CLASSES, `${at}.class`),
    bare: raw["bare"] === undefined ? undefined : oneOf(raw["bare"], COMMAND_CLASSES, `${at}.bare`),
    style:
      raw["style"] === undefined
        ? undefined
        : oneOf(raw["style"], ["gnu", "words", "pairs", "none"], `${at}.style`),
    stop: flag(raw, "stop", at),
    bundle: flag(raw, "bundle", at),
    exact: flag(raw, "exact", at),
    flags: nonEmpty(flags(raw, groups, at)),
    options: options(raw, groups, at),
    operands: raw["operands"] === undefined ? undefined : operands(raw["operands"], `${at}.operands`),
    subcommands: Object.keys(subcommands).length === 0 ? undefined : subcommands,
    recursive: flag(raw, "recursive", at),
    here: raw["here"] === undefined ? undefined : oneOf(raw["here"], ["always", "unless-fed"], `${at}.here`),
    harmless: flag(raw, "harmless", at),
    never: raw["never"] === undefined ? undefined : texts(raw["never"], `${at}.never`),
    danger: raw["danger"] === undefined ? undefined : dangers(raw["danger"], `${at}.danger`),
    transparent: flag(raw, "transparent", at),
    privilege: flag(raw, "privilege", at),
    stdin: raw["stdin"] === undefined ? undefined : oneOf(raw["stdin"], ["shell", "code"], `${at}.stdin`),
    always: flag(raw, "always", at),
    reader: raw["reader"] === undefined ? undefined : oneOf(raw["reader"], READER_NAMES, `${at}.reader`),
    why: raw["why"] === undefined ? undefined : text(raw["why"], `${at}.why`),
  };
  for (const key of Object.keys(spec)) if (spec[key] === undefined) delete spec[key];
  return spec;
}

function flags(raw: Raw, groups: Groups, at: string): readonly string[] {
  const own =
    typeof raw["flags"] === "string"
      ? raw["flags"].split(/\s+/).filter((part) => part !== "")
      : texts(raw["flags"] ?? [], `${at}.flags`);
  // `-a,--all` in a string of flags keeps its spellings together.
  const used = texts(raw["uses"] ?? [], `${at}.uses`).flatMap((name) => group(groups, name, at).flags ?? []);
  for (const each of own)
    if (!/^[-+]/.test(each)) throw new TableFault(`${at}.flags: \`${each}\` does not start with a dash`);
  return [...used, ...own];
}

function group(groups: Groups, name: string, at: string): Pick<CommandSpec, "flags" | "options"> {
  const found = groups[name];
  if (found === undefined) throw new TableFault(`${at}.uses: no group \`${name}\` above it`);
  return found;
}

function options(raw: Raw, groups: Groups, at: string): Readonly<Record<string, OptionSpec>> | undefined {
  const out: Record<string, OptionSpec> = {};
  for (const name of texts(raw["uses"] ?? [], `${at}.uses`))
    Object.assign(out, group(groups, name, at).options);
  for (const [key, value] of Object.entries(record(raw["options"] ?? {}, `${at}.options`))) {
    if (!/^[-+]/.test(key)) throw new TableFault(`${at}.options: \`${key}\` does not start with a dash`);
    out[key] = option(value, `${at} ${key}`);
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

/** `"read"` takes a value, `"?text"` may have a glued one, `"!why"` is dangerous, an object says the rest. */
function option(value: unknown, at: string): OptionSpec {
  if (typeof value === "string") {
    if (value.startsWith("!")) return { danger: value.slice(1) };
    if (value.startsWith("?")) return { may: oneOf(value.slice(1), VALUE_KINDS, at) };
    if ((COMMAND_CLASSES as readonly string[]).includes(value))
      return { class: oneOf(value, COMMAND_CLASSES, at) };
    return { takes: oneOf(value, VALUE_KINDS, at) };
  }
  const raw = record(value, at);
  only(
    raw,
    ["takes", "values", "may", "class", "danger", "operands", "recursive", "among", "reaches", "why"],
    at,
  );
  const spec: Record<string, unknown> = {
    takes: raw["takes"] === undefined ? undefined : oneOf(raw["takes"], VALUE_KINDS, at),
    values: raw["values"],
    may: raw["may"] === undefined ? undefined : oneOf(raw["may"], VALUE_KINDS, at),
    class: raw["class"] === undefined ? undefined : oneOf(raw["class"], COMMAND_CLASSES, at),
    danger: raw["danger"] === undefined ? undefined : text(raw["danger"], at),
    operands: raw["operands"] === undefined ? undefined : operands(raw["operands"], `${at}.operands`),
    recursive: flag(raw, "recursive", at),
    among: raw["among"] === undefined ? undefined : texts(raw["among"], `${at}.among`),
    reaches: flag(raw, "reaches", at),
    why: raw["why"] === undefined ? undefined : text(raw["why"], at),
  };
  for (const key of Object.keys(spec)) if (spec[key] === undefined) delete spec[key];
  return spec;
}

/** `"read"`, `"read..."` (any number), or an object. */
function operands(value: unknown, at: string): readonly OperandSpec[] {
  if (!Array.isArray(value)) throw new TableFault(`${at}: must be a list`);
  const specs = value.map((item: unknown, index): OperandSpec => {
    if (typeof item === "string") {
      const repeated = item.endsWith("...");
      const kind = oneOf(repeated ? item.slice(0, -3) : item, VALUE_KINDS, `${at}[${index}]`);
      return repeated ? { kind, repeated } : { kind };
    }
    const raw = record(item, `${at}[${index}]`);
    only(raw, ["kind", "repeated", "starts", "class"], `${at}[${index}]`);
    const spec: Record<string, unknown> = {
      kind: oneOf(raw["kind"], VALUE_KINDS, `${at}[${index}]`),
      repeated: flag(raw, "repeated", at),
      starts: raw["starts"] === undefined ? undefined : text(raw["starts"], at),
      class: raw["class"] === undefined ? undefined : oneOf(raw["class"], COMMAND_CLASSES, at),
    };
    for (const key of Object.keys(spec)) if (spec[key] === undefined) delete spec[key];
    return { kind: oneOf(raw["kind"], VALUE_KINDS, at), ...spec };
  });
  if (specs.filter((spec) => spec.repeated === true).length > 1)
    throw new TableFault(`${at}: only one operand may repeat`);
  return specs;
}

function dangers(value: unknown, at: string): readonly DangerSpec[] {
  if (!Array.isArray(value)) throw new TableFault(`${at}: must be a list`);
  return value.map((item: unknown, index) => {
    if (typeof item === "string") return { why: item };
    const raw = record(item, `${at}[${index}]`);
    only(raw, ["options", "unless", "values", "operands", "why", "instead"], `${at}[${index}]`);
    return {
      ...(raw["options"] === undefined ? {} : { options: texts(raw["options"], at) }),
      ...(raw["unless"] === undefined ? {} : { unless: texts(raw["unless"], at) }),
      ...(raw["values"] === undefined
        ? {}
        : {
            values: Object.fromEntries(
              Object.entries(record(raw["values"], at)).map(([name, list]) => [name, texts(list, at)]),
            ),
          }),
      ...(raw["operands"] === undefined ? {} : { operands: texts(raw["operands"], at) }),
      why: text(raw["why"], `${at}[${index}].why`),
      ...(raw["instead"] === undefined ? {} : { instead: text(raw["instead"], at) }),
    };
  });
}

function record(value: unknown, at: string): Raw {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new TableFault(`${at}: must be an object`);
  return Object.fromEntries(Object.entries(value));
}

function text(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "") throw new TableFault(`${at}: must be a non-empty string`);
  return value;
}

function texts(value: unknown, at: string): readonly string[] {
  if (!Array.isArray(value)) throw new TableFault(`${at}: must be a list of strings`);
  return value.map((item: unknown) => text(item, at));
}

function flag(raw: Raw, key: string, at: string): true | undefined {
  if (raw[key] === undefined) return undefined;
  if (raw[key] !== true) throw new TableFault(`${at}.${key}: can only be true`);
  return true;
}

function oneOf<T extends string>(value: unknown, list: readonly T[], at: string): T {
  const found = list.find((item) => item === value);
  if (found === undefined) throw new TableFault(`${at}: \`${String(value)}\` is none of ${list.join(", ")}`);
  return found;
}

function nonEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}

function only(raw: Raw, keys: readonly string[], at: string): void {
  for (const key of Object.keys(raw))
    if (!keys.includes(key)) throw new TableFault(`${at}: unknown key \`${key}\``);
}
