/** A reader of Seatbelt profiles: syntax, names and parameters, and what a profile says of a path. */

export type Term =
  | { readonly kind: "list"; readonly items: readonly Term[] }
  | { readonly kind: "symbol" | "string" | "regex"; readonly text: string };

/** Reads the terms of a profile. Throws where brackets, strings or bytes are wrong. */
export function read(text: string): readonly Term[] {
  const stack: Term[][] = [[]];
  const token =
    /\s+|;[^\n]*|([()])|#"((?:[^"\\]|\\.)*)"|"((?:[^"\\]|\\.)*)"|([a-zA-Z][a-zA-Z0-9*._-]*|\d+)/gsy;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new Error(`cannot be read: ${JSON.stringify(text.slice(at, at + 40))}`);
    const [, bracket, regex, string, symbol] = match;
    if (bracket === "(") stack.push([]);
    else if (bracket === ")") {
      const items = stack.pop();
      if (items === undefined || stack.length === 0) throw new Error("a bracket too many");
      stack.at(-1)?.push({ kind: "list", items });
    } else if (regex !== undefined) stack.at(-1)?.push({ kind: "regex", text: regex });
    else if (string !== undefined) stack.at(-1)?.push({ kind: "string", text: string });
    else if (symbol !== undefined) stack.at(-1)?.push({ kind: "symbol", text: symbol });
  }
  const [terms] = stack;
  if (stack.length !== 1 || terms === undefined) throw new Error("a bracket is missing");
  return terms;
}

const OPERATIONS = new Set(
  `process-exec process-fork process-info* signal mach-priv-task-port mach-lookup sysctl-read
   ipc-posix-shm* ipc-posix-shm-read* ipc-posix-sem pseudo-tty system-socket
   file-read* file-read-metadata file-write* file-write-data file-write-unlink file-write-setugid
   file-link file-ioctl file-map-executable network-bind network-outbound`.split(/\s+/),
);

/** Names of filters with the kinds of their arguments; `filter*` any number of filters. */
const FILTERS: Readonly<Record<string, readonly string[]>> = {
  literal: ["text"],
  subpath: ["text"],
  regex: ["regex"],
  "vnode-type": ["symbol"],
  extension: ["string"],
  target: ["symbol"],
  "global-name": ["string"],
  "sysctl-name": ["string"],
  "sysctl-name-prefix": ["string"],
  "ipc-posix-name": ["string"],
  "ipc-posix-name-regex": ["regex"],
  "socket-domain": ["symbol"],
  local: ["socket"],
  remote: ["socket"],
  "require-all": ["filter*"],
  "require-any": ["filter*"],
  "require-not": ["filter"],
};

const SYMBOLS: Readonly<Record<string, readonly string[]>> = {
  "vnode-type": ["CHARACTER-DEVICE", "DIRECTORY", "REGULAR-FILE", "SYMLINK"],
  target: ["same-sandbox", "self"],
  "socket-domain": ["AF_UNIX"],
};

export interface Rule {
  readonly action: "allow" | "deny";
  readonly operations: readonly string[];
  readonly filters: readonly Term[];
}

/** The rules of a profile; throws for anything Seatbelt would not take. */
export function check(text: string, parameters: ReadonlyMap<string, string>): readonly Rule[] {
  const used = new Set<string>();
  const [version, ...rest] = read(text);
  if (JSON.stringify(version) !== JSON.stringify(read("(version 1)")[0])) throw new Error("no version");
  const rules = rest.map((term) => ruleOf(term, parameters, used));
  const [first] = rules;
  if (first?.action !== "deny" || first.operations[0] !== "default")
    throw new Error("it does not begin with a denial");
  for (const name of parameters.keys()) if (!used.has(name)) throw new Error(`${name} is never used`);
  return rules;
}

function ruleOf(term: Term, parameters: ReadonlyMap<string, string>, used: Set<string>): Rule {
  const [action, ...items] = term.kind === "list" ? term.items : [];
  const text = action?.kind === "symbol" ? action.text : "";
  if (text !== "allow" && text !== "deny") throw new Error(`no rule: ${JSON.stringify(term)}`);
  const operations = items.flatMap((item) => (item.kind === "symbol" ? [item.text] : []));
  const filters = items.slice(operations.length);
  for (const name of operations)
    if (!OPERATIONS.has(name) && name !== "default") throw new Error(`no operation: ${name}`);
  if (operations.length === 0 || filters.some(({ kind }) => kind !== "list")) throw new Error("mixed rule");
  if (operations.includes("default") && (operations.length > 1 || text === "allow"))
    throw new Error("open by default");
  for (const filter of filters) checkFilter(filter, parameters, used);
  return { action: text, operations, filters };
}

function checkFilter(term: Term, parameters: ReadonlyMap<string, string>, used: Set<string>): void {
  const [head, ...rest] = term.kind === "list" ? term.items : [];
  const name = head?.kind === "symbol" ? head.text : "";
  const wanted = FILTERS[name];
  if (wanted === undefined) throw new Error(`no filter: ${JSON.stringify(term)}`);
  if (wanted[0] === "filter*") {
    if (rest.length === 0) throw new Error(`${name} of nothing`);
    for (const each of rest) checkFilter(each, parameters, used);
    return;
  }
  const [argument] = rest;
  if (rest.length !== (wanted[0] === "socket" ? 2 : 1) || argument === undefined)
    throw new Error(`${name} has ${rest.length} arguments`);
  switch (wanted[0]) {
    case "filter":
      checkFilter(argument, parameters, used);
      return;
    case "socket":
      if (argument.kind !== "symbol" || argument.text !== "unix-socket")
        throw new Error(`${name}: not a socket by path`);
      checkFilter(rest[1] ?? argument, parameters, used);
      return;
    case "symbol":
      if (argument.kind !== "symbol" || SYMBOLS[name]?.includes(argument.text) !== true)
        throw new Error(`${name}: ${JSON.stringify(argument)}`);
      return;
    case "string":
      if (argument.kind !== "string") throw new Error(`${name}: not a string`);
      return;
    default: {
      const value = textOf(argument, parameters, used);
      if (wanted[0] === "regex") checkRegex(value);
      else if (argument.kind === "regex" || !value.startsWith("/")) throw new Error(`${name}: ${value}`);
    }
  }
}

function textOf(term: Term, parameters: ReadonlyMap<string, string>, used: Set<string>): string {
  if (term.kind === "string" || term.kind === "regex") return term.text;
  const [head, name] = term.kind === "list" ? term.items : [];
  const value = name?.kind === "string" ? parameters.get(name.text) : undefined;
  if (head?.kind !== "symbol" || head.text !== "param" || name?.kind !== "string" || value === undefined)
    throw new Error(`no parameter: ${JSON.stringify(term)}`);
  used.add(name.text);
  return value;
}

/** Only what every regular expression engine of the system has: no classes by name, no look-around, no counts. */
function checkRegex(text: string): void {
  if (!text.startsWith("^")) throw new Error(`not held at the start: ${text}`);
  const plain = text.replace(/\\[.*+?^${}()|[\]\\]/gs, "");
  if (/\\|\(\?|[{}]/s.test(plain)) throw new Error(`beyond simple expressions: ${text}`);
  new RegExp(text, "su");
}

/** What a profile says of an operation on a path: the last rule that matches. */
export function verdict(
  rules: readonly Rule[],
  parameters: ReadonlyMap<string, string>,
  operation: string,
  path: string,
): "allow" | "deny" {
  const meant = (name: string): boolean =>
    name === "default" ||
    name === operation ||
    (name.endsWith("*") && operation.startsWith(name.slice(0, -1)));
  const last = rules.findLast(
    ({ operations, filters }) =>
      operations.some(meant) &&
      (filters.length === 0 || filters.some((filter) => matches(filter, parameters, path))),
  );
  return last?.action ?? "deny";
}

function matches(term: Term, parameters: ReadonlyMap<string, string>, path: string): boolean {
  const [head, ...rest] = term.kind === "list" ? term.items : [];
  const name = head?.kind === "symbol" ? head.text : "";
  const [argument] = rest;
  if (argument === undefined) return false;
  switch (name) {
    case "require-all":
      return rest.every((each) => matches(each, parameters, path));
    case "require-any":
      return rest.some((each) => matches(each, parameters, path));
    case "require-not":
      return !matches(argument, parameters, path);
    case "local":
    case "remote":
      return rest[1] !== undefined && matches(rest[1], parameters, path);
    case "vnode-type":
      return path.startsWith("/dev/");
    case "literal":
      return textOf(argument, parameters, new Set()) === path;
    case "subpath": {
      const at = textOf(argument, parameters, new Set());
      return path === at || path.startsWith(at === "/" ? at : `${at}/`);
    }
    case "regex":
      return new RegExp(textOf(argument, parameters, new Set()), "su").test(path);
    default:
      return false;
  }
}
