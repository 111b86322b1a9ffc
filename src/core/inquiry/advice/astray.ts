import type { Rule } from "../../settings/rule.ts";
import { canonicalTool, nearestTool, toolClass } from "../../settings/tools.ts";
import type { Advice, Place } from "./remark.ts";

const REMOVE = "remove it";
const unlikely = (why: string, fix: string): Advice => ({ kind: "unlikely", why, fix });
const never = (why: string, fix: string): Advice => ({ kind: "never", why, fix });

/** Directories at the top of a file system, as people name them with one slash. */
const TOP =
  /^\/(?:bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|private|proc|root|run|sbin|srv|sys|tmp|usr|var|Users|Library|Volumes|Applications|System)(?:\/|$)/;
/** Wrappers that run whatever they are given: a star rule never covers what they run. */
const WRAPPERS: ReadonlySet<string> = new Set(
  "sudo doas env exec setsid watch ionice flock strace ltrace chroot unshare nsenter runuser su".split(" "),
);

/** A rule that cannot decide anything, or hardly what was meant; undefined for all others. */
export function astray(rule: Rule, place: Place): Advice | undefined {
  const { specifier, tool } = rule;
  switch (specifier.kind) {
    case "none":
      return tool.includes("*") || tool.includes("_") || toolClass(tool) !== "unknown"
        ? undefined
        : unknownTool(tool);
    case "command":
      return astrayCommand(rule, specifier.stages[0]?.text ?? "");
    case "path":
      return astrayPath(rule, specifier.pattern, place);
    case "domain":
      return astrayHost(specifier.pattern);
    case "parameter": {
      const meant = noParameter(tool, `${specifier.name}:${specifier.pattern}`);
      return meant === undefined ? undefined : unlikely(meant.why, meant.fix);
    }
    case "name":
      return undefined;
  }
}

/** What looks like `name:value` and is a path with a drive letter or an address; undefined for others. */
export function noParameter(
  tool: string,
  specifier: string,
): { readonly why: string; readonly fix: string } | undefined {
  const paths = toolClass(tool) === "edit" ? "Edit" : "Read";
  if (/^[A-Za-z]:[\\/]/.test(specifier)) {
    const path = specifier.slice(2).replace(/\\+/g, "/").replace(/^\/+/, "");
    return {
      why: "paths are written with `/` and without drive letters",
      fix: `write \`${paths}(//${path})\``,
    };
  }
  const [, protocol = "", rest = ""] = /^(file|https?):\/\/(.*)$/s.exec(specifier) ?? [];
  if (protocol === "") return undefined;
  const host = rest.replace(/[/?#:].*$/s, "").replace(/^.*@/, "");
  return {
    why: "it holds an address as it is typed, which no rule is compared with",
    fix: protocol === "file" ? `write \`${paths}(/${rest})\`` : `write \`WebFetch(domain:${host})\``,
  };
}

function unknownTool(tool: string): Advice {
  const near = nearestTool(tool);
  return unlikely(
    `no tool that cordon knows is called \`${tool}\`; names are matched exactly, capital letters included`,
    near === undefined ? "write the name the agent uses" : `write \`${canonicalTool(near)}\``,
  );
}

function astrayCommand({ text, effect }: Rule, pattern: string): Advice | undefined {
  const [first = ""] = pattern.split(" ");
  if (/\s\)$/.test(text) && !pattern.includes("*"))
    return unlikely(
      `the blank at the end is dropped, so it covers \`${pattern}\` and nothing with more words`,
      `write \`Bash(${pattern} *)\``,
    );
  if (/^(?:npm|pnpm|yarn|bun)(?: run)? [^ *]+ \*$/.test(pattern) && text.endsWith(":*)")) {
    const script = pattern.slice(0, -2);
    return unlikely(
      `\`:*\` at the end means a blank and anything, so it covers \`${script} --x\` and not \`${script}:x\``,
      `write \`Bash(${script}:x)\` for each script, or \`Bash(${script} *)\` if that is meant`,
    );
  }
  if (/^\^|\$$|\.\*|\\[bdsw]|\[[^\]]+\]\+/.test(pattern))
    return unlikely(
      "it looks like a regular expression, but only `*` has a meaning and all else is literal",
      "write the words of the command, and `*` for the rest",
    );
  if (/^~(?:\/|$)|^\/(?:[^ ]*\*|[^ ]*\/$)|^[^ ]*\*\*|^[A-Za-z]:\\/.test(pattern) && !pattern.includes(" "))
    return unlikely(
      "it names a path, but Bash rules are matched against commands",
      `write \`Read(${pathForm(pattern)})\` or \`Edit(${pathForm(pattern)})\``,
    );
  if (first.startsWith("~/"))
    return unlikely("`~` stands for no directory in the name of a program", "write the path it stands for");
  if (/(?:^| )(?:\d?>{1,2}|<)(?: |$|&|[^ ]*\*)/.test(pattern))
    return unlikely(
      "redirects are no part of what Bash rules see",
      effect === "allow"
        ? "leave the redirect out and write an Edit rule for its file"
        : "write an Edit rule for the file",
    );
  if (effect === "allow" && /["']/.test(pattern))
    return unlikely(
      "quotes are taken off a command before it is matched, so they match only quotes within words",
      `write \`Bash(${pattern.replace(/["']/g, "")})\``,
    );
  if (effect === "allow" && /\$[\w({]|`/.test(pattern))
    return unlikely(
      "a command with a variable or a substitution is matched by what is known of its value, not by its name",
      "write the value, or `*` in its place",
    );
  if (/^cd(?: |$)/.test(pattern) && effect === "allow" && pattern !== "cd *")
    return unlikely("where a command works is judged by its paths, not by a rule for `cd`", REMOVE);
  if (effect === "allow" && WRAPPERS.has(first) && pattern.includes("*"))
    return unlikely(
      `\`${first}\` runs any other command, so a rule with a star does not cover it`,
      "write the whole command without a star",
    );
  return undefined;
}

function pathForm(pattern: string): string {
  return pattern.startsWith("/") ? `/${pattern}` : pattern;
}

function astrayPath(
  { tool, effect, anchor, scope, text }: Rule,
  pattern: string,
  place: Place,
): Advice | undefined {
  const write = (path: string): string => `write \`${tool}(${path})\``;
  if (/^\\\\|^[\w.-]+\\[\w.-]/.test(pattern))
    return unlikely(
      "paths are written with `/`; a backslash makes the next character literal",
      write(`${pattern.startsWith("\\\\") ? "//" : ""}${pattern.replace(/^\\+/, "").replace(/\\+/g, "/")}`),
    );
  const [, inner] = /^\s*[A-Za-z]+\(([\s\S]*)\)\s*$/.exec(text) ?? [];
  if (inner !== undefined && /\.\w+\s*,\s*[\w./~*]/.test(inner))
    return unlikely("a rule names one pattern; the comma is part of it", "write one rule for each path");
  if (/^(["']).*\1$/.test(pattern))
    return unlikely("the quotes are part of the pattern", write(pattern.slice(1, -1)));
  if (/^\$(?:HOME|\{HOME\})(?=\/|$)/.test(pattern))
    return unlikely(
      "variables are not expanded in rules",
      write(pattern.replace(/^\$(?:HOME|\{HOME\})/, "~")),
    );
  if (/^\$\w|\$\{/.test(pattern))
    return unlikely("variables are not expanded in rules", "write the path it stands for");
  if (/^~[^/]/.test(pattern))
    return unlikely("only `~/`, the home directory of this person, has a meaning", "write `//` and the path");
  if (pattern.startsWith("!"))
    return unlikely("there are no exceptions: `!` is part of the pattern", "write narrower rules instead");
  if (/\{[^}/]*,[^}/]*\}/.test(pattern))
    return unlikely("braces stand for themselves", "write one rule for each alternative");
  const stands = pattern.replace(/^\/\/|^~\/|^\//, "").replace(/^(?:\.\/)*(?:\.\.\/)*/, "");
  if (effect === "allow" && tool !== "Cd" && /(?:^|\/)\.{1,2}\/|\/\.{1,2}$|[^/]\/\/[^/]/.test(stands))
    return never(
      "`.`, `..` and empty names never stand in a path by the time it is matched",
      write(pattern.replace(/\/\.(?=\/|$)/g, "").replace(/(?<=[^/])\/+/g, "/")),
    );
  if (/^\/(?!\/)/.test(pattern) && tool !== "Cd") return wrongAnchor(pattern, anchor, scope, place, write);
  if (/^\/{3,}/.test(pattern))
    return unlikely("two slashes are enough for the root", write(`//${pattern.replace(/^\/+/, "")}`));
  if (effect === "allow" && /^(?:\/|\.\/)?\.cordon\//.test(pattern))
    return unlikely("no rule opens cordon's own settings", REMOVE);
  return undefined;
}

/** One slash is where the settings belong, not the root of the file system. */
function wrongAnchor(
  pattern: string,
  anchor: string,
  scope: Rule["scope"],
  { root, home }: Place,
  write: (path: string) => string,
): Advice | undefined {
  if (anchor === "/") return undefined;
  const full =
    TOP.test(pattern) || [root, home].some((path) => path !== "/" && pattern.startsWith(`${path}/`));
  if (full)
    return unlikely(
      `one slash stands for ${anchor}, so it means ${anchor}${pattern}`,
      write(pattern.startsWith(`${home}/`) ? `~${pattern.slice(home.length)}` : `/${pattern}`),
    );
  if (scope === "user" && anchor !== root)
    return unlikely(
      `one slash stands for the directory of the settings file, so it means ${anchor}${pattern}`,
      `${write(pattern.slice(1))} for every project, or \`//\` for the root`,
    );
  return undefined;
}

function astrayHost(pattern: string): Advice | undefined {
  const host = pattern.trim().replace(/\.$/, "");
  const bare = host
    .replace(/^\w+:\/\//, "")
    .replace(/^[^@/]*@/, "")
    .replace(/[/?#].*$/s, "")
    .replace(/:\d+$/, "");
  const write = `write \`WebFetch(domain:${bare})\``;
  if (/[\u0080-\uffff]/.test(host))
    return never("hosts are compared in their ASCII form (`xn--...`)", "write the name in that form");
  const outside = host.replace(/^\[[^\]]*\]$/, "");
  return /[\s/\\@?#%|^<>:]/.test(outside)
    ? never("it is compared with the host alone, which holds no protocol, port, user or path", write)
    : undefined;
}
