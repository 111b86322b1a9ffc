import type { Rule } from "../../settings/rule.ts";
import { toolClass } from "../../settings/tools.ts";
import { PATHS } from "../../knowledge/paths.gen.ts";
import { canonicalHost } from "../hosts.ts";
import type { Advice, Place } from "./remark.ts";
import { REACHES, RUNNERS } from "./runs-anything.ts";

const broadly = (why: string, fix: string): Advice => ({ kind: "broad", why, fix });

/** Domains below which anybody can publish. */
const PUBLISHERS: ReadonlySet<string> = new Set(
  (
    "github.io gitlab.io githubusercontent.com amazonaws.com cloudfront.net azurewebsites.net " +
    "blob.core.windows.net appspot.com web.app firebaseapp.com googleusercontent.com herokuapp.com vercel.app " +
    "netlify.app pages.dev workers.dev r2.dev ngrok.io ngrok-free.app trycloudflare.com pastebin.com " +
    "glitch.me replit.app surge.sh blogspot.com webhook.site requestbin.com"
  ).split(" "),
);
/** Files whose text is run later, by a tool or by the next agent. */
const RUNS_LATER =
  /(?:^|\/)(?:package\.json|Makefile|justfile|conftest\.py|setup\.py|build\.rs|CLAUDE\.md|AGENTS\.md|\.github(?:\/.*)?|\.husky(?:\/.*)?|\.gitlab-ci\.yml|\.vscode(?:\/.*)?)$/;

/** What an allow rule covers beyond what its text suggests; undefined where that is nothing. */
export function broad(rule: Rule, place: Place): Advice | undefined {
  if (rule.effect !== "allow") return undefined;
  const { specifier, tool } = rule;
  switch (specifier.kind) {
    case "none":
      return broadTool(tool);
    case "command":
      return broadCommand(specifier.stages[0]?.text ?? "");
    case "path":
      return tool === "Cd" ? undefined : broadPath(rule, specifier.pattern, place);
    case "domain":
      return broadHost(specifier.pattern);
    case "name":
      return /^\*+$/.test(specifier.pattern)
        ? broadly(
            `every ${tool === "Agent" ? "agent" : "skill"}, those to come too`,
            `write \`${tool}(NAME)\``,
          )
        : undefined;
    case "parameter":
      return undefined;
  }
}

function broadTool(tool: string): Advice | undefined {
  if (tool.startsWith("mcp__")) return broadServer(tool);
  switch (toolClass(tool)) {
    case "shell":
      return broadly(
        "every command, whatever it does",
        "write the commands that are needed: `Bash(npm test *)`",
      );
    case "read":
      return tool === "Read"
        ? broadly(
            "every reading tool and command in the project",
            "reads in the project need no rule: remove it",
          )
        : undefined;
    case "edit":
      return broadly(
        "every file of the project, those that run later too (package.json, Makefile, workflows)",
        "write the directory: `Edit(src/**)`",
      );
    case "web-fetch":
      return broadly(
        "every address: what a page says goes to the agent, and addresses carry data out",
        "write the hosts: `WebFetch(domain:docs.example.com)`",
      );
    case "web-search":
      return broadly("searches carry words of the project out", "leave it out to be asked");
    case "agent":
      return broadly("every agent, those to come too", "write `Agent(NAME)`");
    case "skill":
      return broadly("every skill, those to come too", "write `Skill(NAME)`");
    case "internal":
    case "interaction":
    case "mcp":
    case "unknown":
      return undefined;
  }
}

function broadServer(tool: string): Advice | undefined {
  const [, server = "", name] = /^mcp__((?:(?!__).)+)(?:__(.*))?$/.exec(tool) ?? [];
  if (name === undefined || /^\*+$/.test(name))
    return broadly(
      `every tool of the server \`${server}\`, also those that a later version adds`,
      `name the tools: \`mcp__${server}__TOOL\``,
    );
  return name.startsWith("*")
    ? broadly(
        "every tool of the server whose name ends so, whatever it does",
        `name the tools: \`mcp__${server}__TOOL\``,
      )
    : undefined;
}

function broadCommand(pattern: string): Advice | undefined {
  const words = pattern.split(" ");
  const [first = "", second = ""] = words;
  const star = pattern.indexOf("*");
  if (star === -1) return exactReach(pattern);
  if (/^\*+$/.test(first) || first.startsWith("*"))
    return broadly(
      "the star at the beginning stands for any program",
      "write the program's name, one rule for each",
    );
  if (first.includes("*")) {
    const head = first.slice(0, first.indexOf("*"));
    return broadly(
      `no blank before the star: every program whose name begins with \`${head}\`${head === "ls" ? ", `lsof` too" : ""}`,
      `write \`Bash(${head} *)\``,
    );
  }
  if (RUNNERS.has(`${first} ${second}`) && words[2]?.startsWith("*") === true)
    return broadly(
      `\`${first} ${second}\` with free arguments runs anything that the project or a package says`,
      "write what is to run without a star",
    );
  const free = words.length === 2 && /^\*+$/.test(second);
  const reach = REACHES.get(first.slice(first.lastIndexOf("/") + 1)) ?? REACHES.get(first);
  if (free && reach !== undefined) return broadly(reach.why, reach.fix);
  if (star < pattern.length - 1)
    return broadly(
      `the star in the middle stands for any number of words, options too: \`${pattern.replace("*", "--any option")}\``,
      "put the star at the end, or write the words",
    );
  if (/[^ *]\*+$/.test(pattern))
    return broadly(
      `no blank before the star: \`${pattern.replace(/\*+$/, "x")}\` too`,
      `write \`Bash(${pattern.replace(/\*+$/, "")} *)\`, or the command without a star`,
    );
  return undefined;
}

/** Without a star only what a bare name opens by itself: an interpreter reads its standard input. */
function exactReach(pattern: string): Advice | undefined {
  return /^(?:bash|sh|zsh|python3?|node|perl|ruby)(?: -)?$/.test(pattern)
    ? broadly("without a script it runs what is piped into it", "name the script")
    : undefined;
}

function broadPath({ tool, scope }: Rule, pattern: string, { home }: Place): Advice | undefined {
  const verb = tool === "Edit" ? "written" : "read";
  const body = pattern.replace(/\/+$/, "");
  if (/^\/\/(?:\*\*?)?(?:\/\*+)*$/.test(pattern) || pattern === "//")
    return broadly(`every file of the machine can be ${verb}`, `write \`${tool}(//DIRECTORY/**)\``);
  if (/^~(?:\/\*{0,2})?$/.test(body) || body === `/${home}` || body === `/${home}/**`)
    return broadly(
      `every file of the home directory can be ${verb}, settings of other programs too`,
      `write \`${tool}(~/DIRECTORY/**)\``,
    );
  if (/^\/\/(?:etc|usr|var|home|root|opt|Users|Library)(?:\/\*{1,2})?$/.test(body))
    return broadly(`a whole part of the system can be ${verb}`, `write \`${tool}(${body}/DIRECTORY/**)\``);
  if (/^(?:\.\/|\/)?(?:\*\*?)(?:\/\*+)*$/.test(pattern) || body === "." || body === "")
    return tool === "Edit"
      ? broadly(
          "every file of the project, those that run later too (package.json, Makefile, workflows)",
          "write the directory: `Edit(src/**)`",
        )
      : broadly(
          "it names every file, secrets such as `.env` too",
          "reads in the project need no rule: remove it",
        );
  const store = credentialStore(body, home);
  if (store !== undefined && scope !== "user" && scope !== "managed") {
    // Beside a store it may open something; in one, nothing but the names that are spared.
    if (!store.inside) return undefined;
    const why = `only a user or managed rule opens a credential store: ${store.why}`;
    return { kind: "unlikely", why, fix: "remove it" };
  }
  if (store !== undefined)
    return broadly(
      `it opens what no other rule can: ${store.why}`,
      tool === "Read" ? "leave it out: programs that need them read them by themselves" : "leave it out",
    );
  if (tool === "Read" && /(?:^|\/)\*?\.env[^/]*$/.test(pattern))
    return broadly(
      "secrets in it go to the agent, and from there to its provider",
      "leave it out to be asked",
    );
  if (tool === "Edit" && RUNS_LATER.test(body.replace(/\/\*+$/, "")))
    return broadly(
      "what is written there runs later, outside of what is asked here",
      "leave it out to be asked",
    );
  if (/^\*\*?\/?\.\w+$|^\*\.\w+$/.test(pattern) && tool === "Edit")
    return broadly(
      "it holds at any depth of the project, in tests and build scripts too",
      `write the directory: \`${tool}(src/**/${pattern})\``,
    );
  return undefined;
}

/** What the credential store holds that a pattern names, or that lies below what it names. */
function credentialStore(
  body: string,
  home: string,
): { readonly why: string; readonly inside: boolean } | undefined {
  const named = body.startsWith(`/${home}/`) ? `~${body.slice(home.length + 1)}` : body;
  const start = named.replace(/\/?\*.*$/s, "");
  if (!start.startsWith("~/")) return undefined;
  const under = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`);
  const found = PATHS.credential.flatMap(({ pattern, why, except = [] }) => {
    const store = pattern.replace(/\/$/, "");
    const spared = except.some((name) => start === `${store}/${name}` && start === named);
    return !spared && (under(start, store) || under(store, start))
      ? [{ why, inside: under(start, store) }]
      : [];
  });
  return found.find(({ inside }) => inside) ?? found[0];
}

function broadHost(pattern: string): Advice | undefined {
  const host = canonicalHost(pattern);
  if (/^\*+$/.test(host))
    return broadly(
      "every address: what a page says goes to the agent, and addresses carry data out",
      "write the hosts: `WebFetch(domain:docs.example.com)`",
    );
  if (!host.includes("*")) return undefined;
  const tail = host.replace(/^\*\./, "");
  if (!tail.includes(".") || /^(?:co|com|org|net|ac|gov)\.[a-z]{2}$/.test(tail))
    return broadly(`every name below \`${tail}\``, "write the hosts");
  if (PUBLISHERS.has(tail))
    return broadly(`anybody can publish below \`${tail}\``, `write the host: \`domain:NAME.${tail}\``);
  return tail.includes("*")
    ? broadly("the star stands for a name that anybody may own", "write the hosts")
    : undefined;
}
