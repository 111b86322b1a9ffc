import { type Document, type Node, type Position, valueOf } from "./document.ts";
import { type KeyInfo, type Shape, describeShape, nearest } from "./keys.ts";
import { type Finding, type Found, consequence } from "./reading.ts";
import { type SettingsSource, isPermitted, scopesInWords } from "./source.ts";
import { type Entry, misfitsOf } from "./walk.ts";

/** The value of one key; undefined where it has none that counts. Findings say why. */
export function readValue(
  source: SettingsSource,
  { path, info, node, live, misfits, guessed }: Entry,
  document: Document,
  findings: Finding[],
): Found<unknown> | undefined {
  if (info.merge === "rules" || info.merge === "hooks") return undefined;
  if (!isPermitted(info.scopes, source)) {
    if (info.merge !== "inert" || info.scopes === "managed") {
      const message = `\`${path}\` does nothing here: it counts only in ${scopesInWords(info.scopes)}`;
      findings.push({
        severity: "warning",
        key: path,
        message,
        hint:
          source.scope === "command-line" && info.scopes === "managed"
            ? "remove it, or move it there; `--managed` counts as managed settings only with `--no-ambient`"
            : "remove it, or move it there",
        offset: node.offset,
      });
    }
    return undefined;
  }
  const shape = typeof info.shape === "object" && "list" in info.shape ? info.shape : undefined;
  const alone =
    shape !== undefined &&
    info.merge === "closes" &&
    node.type === "string" &&
    misfitsOf(node, shape.list, path).length === 0;
  if (alone) {
    const message = `\`${path}\` must be a list; the string is read as its only entry`;
    findings.push({
      severity: "warning",
      key: path,
      message,
      hint: `write [${JSON.stringify(node.value)}]`,
      offset: node.offset,
    });
  } else {
    for (const { node: at, key, expected } of misfits) {
      findings.push({
        key,
        offset: at.offset,
        ...misfit(source, info, key, expected, at),
      });
    }
  }
  // A list of all that is allowed may say more than its guessed name does.
  const faulty = (misfits.length > 0 && !alone) || (guessed === true && info.merge === "restricts");
  const at = (of: Node): Position => document.positionOf(of.offset);
  if (shape !== undefined) {
    const fits = (item: Node): boolean => misfitsOf(item, shape.list, "").length === 0;
    const entries = node.type === "array" ? (node.children ?? []) : [];
    const items = alone ? [node] : entries.filter(fits);
    return {
      value: items.map((item) => valueOf(item)),
      unread: faulty ? entries.filter((item) => !fits(item)).map((item) => valueOf(item, 2)) : undefined,
      live,
      faulty,
      at: (index) => at(index === undefined ? node : (items[index] ?? node)),
    };
  }
  if (!faulty) return { value: valueOf(node), live, faulty, at: () => at(node) };
  const held = heldValue(info);
  return held === undefined ? undefined : { value: held, live, faulty, at: () => at(node) };
}

/** What holds while a value cannot be read; undefined = as if it were not set. */
function heldValue(info: KeyInfo): string | boolean | undefined {
  if (info.merge === "choice") return info.held;
  if (info.merge === "lock")
    return typeof info.shape === "object" && "oneOf" in info.shape ? info.shape.oneOf[0] : true;
  // A managed object that governs something and cannot be read still governs.
  return info.merge === "restricts" ? true : undefined;
}

function misfit(
  source: SettingsSource,
  info: KeyInfo,
  key: string,
  expected: string,
  node: Node,
): Pick<Finding, "severity" | "message" | "hint" | "stops"> {
  const must = `\`${key}\` must be ${expected}`;
  const hint = hintFor(info, node, key);
  const stops = { severity: "error", message: `${must}; ${consequence(source)}`, hint, stops: true } as const;
  switch (info.merge) {
    case "rules":
    case "closes":
    case "restricts":
      if (info.denies === undefined) return stops;
      return {
        severity: "error",
        message: `${must}; ${governed(source, info, key)} until it is mended`,
        hint,
      };
    case "limit":
      if (source.scope === "managed") return stops;
      return { severity: "error", message: `${must}; the built-in limit holds until it is mended`, hint };
    case "opens":
      return { severity: "error", message: `${must}; it opens nothing`, hint };
    case "lock":
      return {
        severity: "error",
        message: `${must}; until it is mended it counts as set${info.denies === undefined ? "" : `: ${governed(source, info, key)}`}`,
        hint,
      };
    case "choice":
      return {
        severity: "error",
        message: `${must}; \`${JSON.stringify(info.held)}\` holds until it is mended`,
        hint,
      };
    case "value":
      return { severity: "error", message: `${must}; it counts as not set`, hint };
    case "hooks":
    case "inert":
      return { severity: "warning", message: must, hint };
  }
}

/** What holds of the tools that a key governs while its value cannot be read. */
function governed(source: SettingsSource, { denies = [], merge }: KeyInfo, key: string): string {
  if (key === "allowedMcpServers") return "no MCP server may be used";
  if (key.startsWith("allowedMcpServers[")) return "the entry admits no server";
  const verb = source.scope === "managed" ? "denied" : "asked about";
  if (denies.includes("*")) return `every call is ${verb}`;
  if (merge === "closes" && denies.includes("mcp__*")) return `every call of an MCP tool is ${verb}`;
  return `calls of ${denies.map((tool) => `\`${tool}\``).join(", ")} are ${verb}`;
}

/** What was probably meant, or what such a value looks like. */
function hintFor({ shape, held }: KeyInfo, node: Node, key: string): string | undefined {
  if (key.startsWith("policyHelper"))
    return 'write `{"path": "/opt/corp/policy"}`, with the path of the program';
  if (/^(?:allowed|denied)McpServers\[/.test(key)) return 'write `"name"` or `{"serverName": "name"}`';
  if (shape === "boolean") return "write `true` or `false` without quotes";
  if (shape === "string" || shape === "text") return "write it in double quotes";
  if (typeof shape !== "object") return undefined;
  if ("list" in shape) return listHint(shape.list, key.includes("["));
  if ("pattern" in shape) return `write ${shape.name} in double quotes`;
  if ("min" in shape) return "write the number without quotes";
  if ("map" in shape) return "write `{...}`";
  if ("fields" in shape) return `write {${shape.required.map((name) => `"${name}": ...`).join(", ")}}`;
  if (!("oneOf" in shape)) return undefined;
  const near = node.type === "string" ? nearest(String(node.value), shape.oneOf.map(String)) : undefined;
  if (near !== undefined) return `did you mean \`"${near}"\`?`;
  const one =
    shape.oneOf.length === 1
      ? JSON.stringify(shape.oneOf[0])
      : node.type === "string"
        ? "one of them"
        : "one of them, in double quotes";
  return held !== undefined && !shape.oneOf.includes(held) ? `write ${one}; ${STRICTEST}` : `write ${one}`;
}

/** Of a mode that settings of other programs do not know. */
const STRICTEST = "`supervised`, in which every call asks, is a value of `cordon.defaultMode`";

/** `entry`: the list is one, and something in it does not fit. */
function listHint(item: Shape, entry: boolean): string {
  const text = item === "text" || item === "string" || (typeof item === "object" && "pattern" in item);
  const one = text ? '"..."' : "...";
  return entry ? `write each entry as ${text ? 'a string: `"..."`' : describeShape(item)}` : `write [${one}]`;
}
