import type { KeyScopes, Merge } from "../../src/core/settings/keys.ts";
import { describeShape } from "../../src/core/settings/keys.ts";
import type { Key, Node } from "./keys.ts";

const SCOPES: Readonly<Record<KeyScopes, string>> = {
  any: "any",
  personal: "not from a repository",
  outside: "user, command line, managed",
  "user+managed": "user, managed",
  managed: "managed",
  "command-line": "command line",
};

const MERGES: Readonly<Record<Merge, string>> = {
  rules: "pooled; a faulty deny or ask rule holds as strictly as it can be read",
  opens: "lists of trusted files join; a faulty entry opens nothing",
  closes: "lists of all files join; while an entry cannot be read every call asks",
  restricts: "while it cannot be read every call is denied",
  lock: "set in any file wins; faulty counts as set",
  choice: "highest file; a repository only stricter; faulty = strictest",
  limit: "highest file; a repository only lower; faulty = built-in",
  value: "highest file; faulty = not set",
  hooks: "those of trusted files join; while one cannot be read, the calls it is for ask",
  inert: "",
};

/** docs/settings.schema.json: the schema for editors, without cordon's own metadata. */
export function renderSchema(tree: Node): string {
  const publish = (node: Node): unknown => {
    const { cordon, description, properties, ...rest } = node;
    return {
      ...(description === undefined
        ? {}
        : { description: cordon ? `${description} ${note(cordon.scopes)}`.trim() : description }),
      ...rest,
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).map(([name, child]) => [name, publish(child)]),
        ),
      }),
    };
  };
  const { properties, ...rest } = tree;
  const root = {
    ...rest,
    title: "cordon settings",
    allowComments: true,
    allowTrailingCommas: true,
    properties,
  };
  return `${JSON.stringify(publish(root), undefined, 2)}\n`;
}

function note(scopes: KeyScopes): string {
  return scopes === "any" ? "" : `(Files: ${SCOPES[scopes]}.)`;
}

/** docs/settings.md: the reference page, a table for each group of keys. */
export function renderPage(keys: readonly Key[], groups: ReadonlyMap<string, string>): string {
  const section = (title: string, about: string, of: readonly Key[], prefix: string): string[] =>
    of.length === 0
      ? []
      : [
          `## ${title}\n`,
          ...(about === "" ? [] : [`${about}\n`]),
          "| Key | Type | Default | Files | Meaning | Files combine; while faulty | Enforced |",
          "|---|---|---|---|---|---|---|",
          ...of.map((key) => row(key, key.path.slice(prefix.length))),
          "",
        ];
  const top = keys.filter(({ path }) => !path.includes("."));
  return [
    "# Settings\n",
    "Made from `src/core/settings/schema.ts` by `node scripts/run.mjs scripts/generate-settings.ts`. Do not edit.\n",
    "A settings file is JSON; comments and trailing commas are welcome. Files, highest first: managed",
    "(`/etc/cordon/managed-settings.json`, `managed-settings.d/*.json` beside it, the same in `/etc/claude-code/`; for other",
    "systems and sources, which were not run there, see [managed.md](managed.md)),",
    "`--settings`, local (`.cordon/settings.local.json`, `.claude/settings.local.json`), project",
    "(`.cordon/settings.json`, `.claude/settings.json`), user (`~/.config/cordon/settings.json`, `~/.claude/settings.json`).",
    "Project files, and local files that cordon did not write, may tighten freely; what opens something counts only",
    "once the workspace is trusted. *Enforced*: `denies X` means that cordon does not enforce the key yet, so managed",
    "settings that use it deny `X`, and in other files it asks.\n",
    "A file that cannot be read makes every call ask; a managed one stops the gate. Its deny and ask rules still hold as far as",
    "they can be made out.\n",
    ...section(
      "Top level",
      "",
      top.filter(({ meta }) => meta.scopes !== "managed"),
      "",
    ),
    ...[...groups].flatMap(([group, about]) =>
      section(
        `\`${group}\``,
        about,
        keys.filter(({ path }) => path.slice(0, path.lastIndexOf(".")) === group),
        `${group}.`,
      ),
    ),
    ...section(
      "Managed files only",
      "Anywhere else these do nothing.",
      top.filter(({ meta }) => meta.scopes === "managed"),
      "",
    ),
  ].join("\n");
}

function row({ meta, info, node }: Key, name: string): string {
  const enforced = meta.denies
    ? `denies ${meta.denies.map((tool) => `\`${tool}\``).join(", ")}`
    : meta.merge === "inert"
      ? "no effect here"
      : "yes";
  const cells = [
    `\`${name}\``,
    describeShape(info.shape),
    meta.default === undefined ? "" : `\`${meta.default}\``,
    SCOPES[meta.scopes],
    node.description ?? "",
    MERGES[meta.merge],
    enforced,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
