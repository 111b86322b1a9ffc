import type { Opinion } from "../../call/opinion.ts";
import type { Danger } from "../../knowledge/reading.ts";
import type { DestructiveWords } from "../../inquiry/inquiry.ts";
import type { Invocation, Script } from "../../shell/script.ts";

/** What would be lost if an invocation ran: the tables' dangers, then verbs, inline code and downloads into a shell. */
export function dangersOf(
  invocation: Invocation,
  script: Script,
  words: DestructiveWords,
): readonly Danger[] {
  const { reading } = invocation;
  return [
    ...reading.dangers,
    ...verbDanger(invocation, words),
    ...codeDangers(invocation, script, words),
    ...downloadDanger(invocation, script),
  ];
}

export function dangerOpinion(danger: Danger, invocation: Invocation): Opinion {
  return {
    layer: "command",
    effect: "ask",
    kind: "destructive",
    code: danger.code,
    why: danger.why,
    hint: danger.instead,
    part: invocation.id,
    span: danger.span ?? invocation.span,
  };
}

/** `svc thing delete 7`: a command that talks to a service, or that nobody knows, with a verb that destroys. */
function verbDanger(invocation: Invocation, words: DestructiveWords): readonly Danger[] {
  const { reading } = invocation;
  const known =
    reading.class === "read-only" || reading.class === "file-modifying" || reading.class === "runs-code";
  if (known || reading.dangers.length > 0 || invocation.nesting === "code") return [];
  const listed =
    reading.class === undefined &&
    reading.doubts.length > 0 &&
    reading.doubts.every(({ code }) => code === "cmd.dynamic");
  if (listed) return [];
  const operands = [...reading.path.slice(1), ...reading.operands.map(({ text }) => text)].slice(0, 6);
  const hit =
    operands.find((text) => !/[/.:@]/.test(text) && verbIn(text, words)) ?? urlVerb(invocation, words);
  if (hit === undefined) return [];
  return [
    {
      code: "cmd.destructive",
      why: `\`${reading.path[0] ?? ""} … ${hit}\` removes something that may not come back`,
    },
  ];
}

/** A request that sends something to an address whose path says it destroys. */
function urlVerb({ reading }: Invocation, words: DestructiveWords): string | undefined {
  const sends = ["--request", "--data", "--json", "--form"].some((name) => reading.options.has(name));
  const posts = reading.operands.some(({ text }) => /^(?:POST|PUT|PATCH|DELETE)$/.test(text));
  if (!sends && !posts) return undefined;
  const paths = [...reading.urls, ...reading.operands].map(
    ({ text }) => /^(?:[a-z]+:\/\/)?[^/?#]*(\/[^?#]*)/i.exec(text)?.[1] ?? "",
  );
  return paths.flatMap((path) => path.split("/")).find((segment) => segment !== "" && verbIn(segment, words));
}

/** The word itself, or its first or last part: `delete-topic`, `topic_delete`, `doDelete`. */
function verbIn(text: string, words: DestructiveWords): boolean {
  const parts = text
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .split(/[-_]+/)
    .filter((part) => part !== "");
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  return !text.startsWith("-") && (words.verbs.has(first) || (parts.length <= 3 && words.verbs.has(last)));
}

/** Names that remove or overwrite, in inline code and in code on standard input. */
function codeDangers(invocation: Invocation, script: Script, words: DestructiveWords): readonly Danger[] {
  const language = invocation.reading.path[0] ?? "";
  const inline = invocation.reading.inner.flatMap((inner) => (inner.kind === "code" ? [inner.word] : []));
  const fed = script.fed.filter(({ part }) => part === invocation.id);
  return [...inline, ...fed].flatMap(({ text, span }): readonly Danger[] => {
    if (SQL_CLIENTS.has(language)) {
      const verb = removingStatement(text, words);
      return verb === undefined ? [] : [{ code: "cmd.destructive", why: `\`${verb}\` removes data`, span }];
    }
    // A command handed to another program may stand there as a list: `["rm", "-rf", "/"]`.
    const flat = text.replace(/["'`,[\]()\s]+/g, " ");
    const hit = words.code.find((name) => (name.includes(" ") ? isCommand(name, flat) : text.includes(name)));
    if (hit === undefined) return [];
    const why = `its code calls \`${hit.replace(/\($/, "").trim()}\`, which removes or overwrites files`;
    return [{ code: "cmd.destructive", why, span }];
  });
}

/** The words of a command stand in a text, not as the end of other words. */
function isCommand(words: string, text: string): boolean {
  for (let at = text.indexOf(words); at !== -1; at = text.indexOf(words, at + 1))
    if (!/[\w-]/.test(text.charAt(at - 1))) return true;
  return false;
}

/** The first words of a statement that drops, truncates, or deletes without a condition. */
function removingStatement(text: string, words: DestructiveWords): string | undefined {
  for (const statement of text.split(";")) {
    const [verb = "", ...rest] = statement.trim().toLowerCase().split(/\s+/);
    if (!words.sql.has(verb) || (verb === "delete" && rest.includes("where"))) continue;
    return [verb, ...rest].slice(0, 3).join(" ");
  }
  return undefined;
}

const SQL_CLIENTS: ReadonlySet<string> = new Set([
  "psql",
  "mysql",
  "mariadb",
  "sqlite3",
  "clickhouse-client",
  "sqlcmd",
  "cqlsh",
  "duckdb",
]);

/** A command that makes text out of what no reader understands. */
function decodes({ words, reading }: Invocation): boolean {
  const has = (...options: readonly string[]): boolean => words.some(({ text }) => options.includes(text));
  switch (reading.path[0]) {
    case "base64":
    case "base32":
    case "basenc":
    case "gbase64":
      return reading.options.has("--decode") || has("-D");
    case "xxd":
      return has("-r", "-rp", "-pr");
    case "openssl":
      return has("-d", "-decrypt");
    case "gpg":
    case "gpg2":
      return reading.options.has("--decrypt") || has("-d");
    case "uudecode":
    case "rev":
      return true;
    default:
      return false;
  }
}

/**
 * `curl … | sh`, `bash <(curl …)`, `sh -c "$(curl …)"`: runs what somebody else serves; or
 * `base64 -d x | sh`: what nobody can read.
 */
function downloadDanger(invocation: Invocation, script: Script): readonly Danger[] {
  const { reading, pipe } = invocation;
  const isUnseen = (other: Invocation): boolean => other.reading.network || decodes(other);
  const danger = (seen: readonly Invocation[]): readonly Danger[] => {
    const verb = seen.some(({ reading: { network } }) => network) ? "downloads" : "decodes";
    const instead = "write it to a file, read it, then run it";
    return seen.length === 0
      ? []
      : [{ code: "cmd.destructive", why: `runs what it ${verb}, unseen`, instead }];
  };
  if (reading.stdin !== undefined && pipe !== undefined && pipe.stage > 0) {
    const before = script.invocations.filter(
      (other) => other.pipe?.pipeline === pipe.pipeline && other.pipe.stage < pipe.stage,
    );
    const found = danger(before.filter(isUnseen));
    if (found.length > 0) return found;
  }
  const runs = reading.class === "runs-code" || reading.inner.some(({ kind }) => kind === "shell");
  if (!runs) return [];
  const inside = script.invocations.filter(
    (other) =>
      other.id !== invocation.id &&
      other.parent === undefined &&
      other.span.start > invocation.span.start &&
      other.span.end < invocation.span.end &&
      isUnseen(other),
  );
  return danger(inside);
}
