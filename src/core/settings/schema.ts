import { z } from "zod";
import type { KeyScopes, Merge } from "./keys.ts";

// The one description of every settings key. Scripts and tests import this file; the program
// itself reads the table that is generated from it (docs/decisions/0001-settings-schema.md).

/** What the schema says of a key besides its type; zod carries it as `meta().cordon`. */
export interface KeyMeta {
  readonly merge: Merge;
  readonly scopes: KeyScopes;
  readonly denies?: readonly string[];
  readonly held?: string | boolean;
  /** For the reference page. */
  readonly default?: string;
}

type Options = Partial<Omit<KeyMeta, "merge">>;

/** One function for each way of merging, so that a key reads `name: merge(type, meaning, options)`. */
const how =
  (merge: Merge, scopes: KeyScopes = "any") =>
  <T extends z.ZodType>(type: T, about: string, options: Options = {}): z.ZodOptional<T> =>
    type.optional().meta({ description: about, cordon: { merge, scopes, ...options } });

const rules = how("rules");
const opens = how("opens");
const closes = how("closes");
const lock = how("lock");
const choice = how("choice");
const limit = how("limit");
const inert = how("inert");
const managed = { lock: how("lock", "managed"), inert: how("inert", "managed") };
const group = <S extends z.ZodRawShape>(
  about: string,
  shape: S,
): z.ZodOptional<z.ZodObject<S, z.core.$loose>> =>
  z.looseObject(shape).optional().meta({ description: about });

const bool = z.boolean();
const text = z.string();
const texts = z.array(z.string().min(1));
const anything = z.unknown();
const anyObject = z.record(z.string(), z.unknown());
const disable = z.literal("disable");
const seconds = z.int().min(1).max(86_400);
const days = z.int().min(1).max(36_500);
const port = z.int().min(1).max(65_535);
const count = z.int().min(1).max(1_000_000);
const form = (regex: RegExp, title: string): z.ZodString => z.string().regex(regex).meta({ title });
const bytes = z.union([z.int().min(1), form(/^[1-9][0-9]{0,5}[KMGT]$/, "a size such as `512M`")]);
const host = form(
  /^(?:\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)$/,
  "a host such as `example.com`, `*.example.com`, `[::1]:8080`",
);
const ruleObject = z.strictObject({
  tool: z.string().min(1),
  pattern: z.string().min(1).optional(),
  scope: z.enum(["project", "global"]).optional(),
});
const ruleList = z.array(z.union([z.string(), ruleObject]).meta({ title: "RuleEntry" }));
const server = z
  .union([
    z.string(),
    z.strictObject({ serverName: z.string().min(1) }),
    z.strictObject({ serverCommand: z.array(z.string()) }),
    z.strictObject({ serverUrl: z.string().min(1) }),
  ])
  .meta({ title: "McpServerEntry" });
const MCP = ["mcp__*"];
const PLUGINS = ["mcp__plugin_*"];

const permissions = group("Which calls pass, ask and are denied.", {
  allow: rules(
    ruleList,
    "Calls that pass without a question: `Tool` or `Tool(specifier)`. From a repository only once the workspace is trusted.",
  ),
  ask: rules(ruleList, "Calls that always ask, in every mode. Counts from every file."),
  deny: rules(
    ruleList,
    "Calls that never run. Beats `ask` and `allow` of every file; counts from every file.",
  ),
  allowedTools: rules(ruleList, "Other spelling of `permissions.allow`."),
  deniedTools: rules(ruleList, "Other spelling of `permissions.deny`."),
  additionalDirectories: opens(
    texts,
    "Working directories besides the project root. Relative paths start at the project root, in user files at the file's directory.",
  ),
  defaultMode: choice(
    z.enum(["default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions"]),
    "The mode a session starts in. A repository may only choose a stricter one. `auto` behaves as `default`; `bypassPermissions` counts only outside the project.",
    { held: "supervised", default: "default" },
  ),
  disableBypassPermissionsMode: lock(disable, "Removes `bypassPermissions`, as a setting and as a flag."),
  disableAutoMode: lock(disable, "Removes `auto`."),
  blockReadsOutsideWorkingDirectories: lock(
    bool,
    "Reads outside the working directories are refused in every mode; no rule lifts it.",
    { default: "false" },
  ),
  blockWritesOutsideWorkingDirectories: lock(
    bool,
    "Writes outside the working directories are refused in every mode; no rule lifts it.",
    { default: "false" },
  ),
  denyInsteadOfPrompting: lock(bool, "What would ask is denied at once.", {
    scopes: "outside",
    default: "false",
  }),
  blockReadsExemptPaths: inert(
    texts,
    "Would lift `blockReadsOutsideWorkingDirectories` for some paths; cordon lifts it for none.",
    { scopes: "command-line" },
  ),
  workingDirectoriesAsGiven: inert(
    texts,
    "Working directories whose links are not followed; cordon follows links everywhere.",
    { scopes: "command-line" },
  ),
  workingDirectoriesExclude: closes(
    texts,
    "Directories taken out of the working directories; while it is set, every call asks.",
    { scopes: "command-line", denies: ["*"] },
  ),
});

const sandbox = group("The sandbox around commands that cordon starts.", {
  enabled: choice(bool, "Commands run in the sandbox. `false` counts only outside the project.", {
    held: true,
    default: "true",
  }),
  failIfUnavailable: choice(bool, "Without a working sandbox commands are refused; otherwise they ask.", {
    held: true,
    default: "false",
  }),
  autoAllowBashIfSandboxed: choice(bool, "Sandboxed commands skip the question of an unmatched call.", {
    held: false,
    default: "false",
  }),
  allowUnsandboxedCommands: choice(
    bool,
    "`dangerouslyDisableSandbox` leads to a question; `false` ignores it.",
    { held: false, default: "true" },
  ),
  excludedCommands: inert(texts, "Would run outside the sandbox; cordon keeps every command inside."),
  filesystem: group("What sandboxed commands reach of the files.", {
    allowWrite: opens(
      texts,
      "Directories and files that may be written besides the working directories. No patterns.",
    ),
    denyWrite: closes(texts, "May not be written, wherever it lies."),
    denyRead: closes(texts, "May not be read."),
    allowRead: opens(texts, "Reopens inside `denyRead`; the more specific entry holds."),
    allowManagedReadPathsOnly: managed.lock(bool, "Only managed `allowRead` entries count."),
    disabled: inert(bool, "Would switch the file isolation off; cordon keeps it.", { scopes: "outside" }),
  }),
  network: group("Which hosts sandboxed commands reach.", {
    allowedDomains: opens(
      z.array(host),
      "Hosts that may be reached: `host`, `*.host`, an address, each with an optional `:port`.",
    ),
    deniedDomains: closes(z.array(host), "Hosts that may not be reached; beats `allowedDomains`."),
    strictAllowlist: inert(
      bool,
      "Unknown hosts are denied without a question: the sandbox has no network yet.",
      { scopes: "outside" },
    ),
    allowManagedDomainsOnly: managed.lock(bool, "Only managed hosts count, WebFetch too; no one is asked."),
    allowUnixSockets: inert(texts, "Unix sockets that may be reached: the sandbox opens none yet."),
    allowAllUnixSockets: inert(bool, "All Unix sockets: the sandbox opens none yet."),
    allowLocalBinding: inert(bool, "Listening on local ports: the sandbox has no network yet."),
    allowMachLookup: inert(texts, "macOS service names that may be looked up."),
    httpProxyPort: inert(port, "Port of a proxy of one's own: the sandbox has no network yet."),
    socksProxyPort: inert(port, "Port of a proxy of one's own: the sandbox has no network yet."),
    tlsTerminate: inert(anyObject, "Opening TLS for masked credentials: the sandbox has no network yet.", {
      scopes: "outside",
    }),
  }),
  credentials: group("Files and variables that hold credentials.", {
    files: closes(
      z.array(z.looseObject({ path: z.string().min(1), mode: anything.optional() })),
      "Not readable in the sandbox, whatever the `mode`: everything is read as `deny`.",
    ),
    envVars: inert(
      z.array(anyObject),
      "Variables kept from commands: the sandbox passes on harmless ones only.",
    ),
    allowPlaintextInject: inert(anything, "Belongs to masking, which cordon reads as `deny`.", {
      scopes: "outside",
    }),
    awsPairs: inert(anything, "Belongs to masking, which cordon reads as `deny`.", { scopes: "outside" }),
    sigv4: inert(anything, "Belongs to masking, which cordon reads as `deny`.", { scopes: "outside" }),
  }),
  ignoreViolations: inert(anyObject, "Silences reports; cordon reports every violation."),
  enableWeakerNestedSandbox: inert(bool, "Would weaken the isolation; cordon keeps it."),
  enableWeakerNetworkIsolation: inert(bool, "Would weaken the isolation; cordon keeps it."),
  allowAppleEvents: inert(bool, "Would weaken the isolation; cordon keeps it.", { scopes: "outside" }),
  allowNestedUserNamespaces: inert(bool, "Would weaken the isolation; cordon keeps it."),
  ripgrep: inert(anyObject, "The search program of another product.", { scopes: "user+managed" }),
  bwrapPath: how("value", "managed")(form(/^\//, "an absolute path"), "Absolute path of bubblewrap."),
  socatPath: managed.inert(text, "Absolute path of socat: the sandbox has no network yet."),
});

const cordon = group("What only cordon has.", {
  defaultMode: choice(
    z.enum(["supervised", "plan", "dontAsk", "default", "manual", "acceptEdits", "bypassPermissions"]),
    "As `permissions.defaultMode`, before which it goes in the same file; knows `supervised`, in which every call asks.",
    { held: "supervised", default: "default" },
  ),
  approvalTimeout: how("value", "personal")(
    seconds,
    "Seconds a question waits for an answer before it counts as no.",
    { default: "300" },
  ),
  protectedPaths: closes(
    texts,
    "Patterns (gitignore form) of files whose change asks, besides the built-in ones.",
  ),
  runsLater: closes(texts, "Patterns of files that run later; their change asks in `acceptEdits`."),
  secretPaths: closes(
    texts,
    "Patterns of files that hold secrets; only a Read rule that names them opens them.",
  ),
  audit: group("The audit log.", {
    path: how("value", "outside")(text, "Directory the decisions are recorded in."),
    required: how("lock", "outside")(bool, "No call runs that cannot be recorded.", { default: "false" }),
    retention: how("value", "outside")(
      days,
      "Days after which a file of the log is removed; unset keeps all.",
    ),
  }),
  hook: group("cordon as the hook of an agent.", {
    autoApprove: choice(bool, "An allowed call is approved to the agent, which then does not ask itself.", {
      scopes: "outside",
      held: false,
      default: "false",
    }),
    rewriteIntoSandbox: choice(
      bool,
      "Commands of the agent are rewritten so that they run in cordon's sandbox.",
      { scopes: "outside", held: true, default: "false" },
    ),
  }),
  sandbox: group("How well commands have to be confined.", {
    lowestRung: choice(
      z.enum(["native", "bubblewrap", "landlock"]),
      "The weakest sandbox that may be used where a better one does not work; without one of these commands are refused. `native` is the strictest. A repository may only choose a stricter one.",
      { held: "native", default: "bubblewrap" },
    ),
    holdRunsLater: choice(
      bool,
      "Files that run later (`runsLater`: build files, pipelines, instructions) are held like protected names: read-only where they exist, moved away where a command makes one.",
      { held: true, default: "false" },
    ),
  }),
  limits: group("What one sandboxed command may use. A repository may only lower them.", {
    memory: limit(bytes, 'Bytes of data a process may map; `"512M"` is understood.', { default: "4G" }),
    totalMemory: limit(bytes, "Bytes of memory all processes of a command may use together.", {
      default: "8G",
    }),
    processes: limit(count, "Processes at a time.", { default: "1000" }),
    cpuTime: limit(seconds, "Seconds of processor time, all processes together.", { default: "none" }),
    fileSize: limit(bytes, "Bytes a file may grow to.", { default: "2G" }),
    disk: limit(bytes, "Bytes by which a command may fill the disks of the project, all files together.", {
      default: "none",
    }),
    openFiles: limit(count, "Open files of a process.", { default: "4096" }),
    temporary: limit(bytes, "Bytes of the private temporary directory.", { default: "1G" }),
    output: limit(bytes, "Bytes of output that cordon passes on, both streams together.", {
      default: "1G",
    }),
    time: limit(seconds, "Seconds of wall time.", { default: "none" }),
  }),
});

const organisation = {
  enforcePermissionMode: how("choice", "managed")(
    z.enum([
      "supervised",
      "plan",
      "dontAsk",
      "default",
      "manual",
      "acceptEdits",
      "auto",
      "bypassPermissions",
    ]),
    "Fixes the mode; a person may choose only a stricter one.",
    { held: "supervised" },
  ),
  blockNetworkTools: managed.lock(bool, "Denies WebFetch, WebSearch and commands that talk to the network."),
  requireReadFirst: managed.lock(
    bool,
    "Edit and Write of an existing file need a Read of its present content in the session.",
  ),
  allowedDirectories: how("restricts", "managed")(
    texts,
    "Absolute globs (`*` = one segment); every call outside them is denied. Several managed files: what all of them allow.",
  ),
  blockedCommands: how("closes", "managed")(
    texts,
    "Globs of commands that never run: deny rules `Bash(glob)`.",
  ),
  disableBypassPermissionsMode: managed.lock(
    z.union([bool, disable]),
    "As `permissions.disableBypassPermissionsMode`.",
  ),
  allowManagedPermissionRulesOnly: managed.lock(
    bool,
    "Allow rules of all other files are ignored and none can be saved; their deny and ask rules count.",
  ),
  allowManagedHooksOnly: managed.lock(bool, "Only managed hooks run."),
  allowManagedMcpServersOnly: managed.lock(
    bool,
    "Only the managed list of MCP servers counts; unset = none.",
  ),
  allowAllClaudeAiMcps: managed.inert(bool, "Connectors beside an exclusive set; opens nothing here."),
  managedMcpServers: managed.inert(anyObject, "Servers given to everybody: cordon starts no servers."),
  strictPluginOnlyCustomization: managed.lock(
    z.union([bool, z.array(z.enum(["skills", "agents", "hooks", "mcp"]))]),
    "These may come from plug-ins and policy only.",
    { denies: ["Skill", "Agent", "mcp__*"] },
  ),
  strictKnownMarketplaces: how("restricts", "managed")(z.array(anything), "The only sources of plug-ins.", {
    denies: PLUGINS,
  }),
  blockedMarketplaces: how("closes", "managed")(z.array(anything), "Sources plug-ins may not come from.", {
    denies: PLUGINS,
  }),
  disableCommandPluginSources: managed.lock(bool, "No plug-ins installed by running a command.", {
    denies: PLUGINS,
  }),
  disableSideloadFlags: managed.inert(
    bool,
    "Rejects flags of another product at its start; cordon has none of them.",
  ),
  forceRemoteSettingsRefresh: managed.lock(
    bool,
    "No start without freshly fetched settings: cordon fetches none, so that every call is denied while this is set.",
    { denies: ["*"] },
  ),
  policyHelper: how("restricts", "managed")(
    z.strictObject({
      path: form(/^(?:\/|[A-Za-z]:\\)/, "an absolute path"),
      timeoutMs: z.int().min(1_000).max(600_000).optional(),
      refreshIntervalMs: z.union([z.int().min(0).max(0), z.int().min(60_000).max(86_400_000)]).optional(),
    }),
    'A program that prints `{"managedSettings": {...}}`: its answer goes before all other managed settings, whose restrictions still hold. Where cordon does not ask it (`--managed`) every call is denied.',
    { denies: ["*"] },
  ),
  wslInheritsWindowsSettings: managed.lock(
    bool,
    "The Windows policy holds in WSL too: cordon does not read it there, so that every call is denied while this is set.",
    { denies: ["*"] },
  ),
  requiredMinimumVersion: managed.inert(text, "Version of another product; says nothing of cordon's."),
  requiredMaximumVersion: managed.inert(text, "Version of another product; says nothing of cordon's."),
  parentSettingsBehavior: managed.inert(text, "Settings of an embedding host: none count as managed."),
  managedSourcesBehavior: how("choice", "managed")(
    z.enum(["first-wins", "merge"]),
    "What restricts is pooled from all managed sources. `merge`: what allows, too; else only of the first source that says anything. The files of all managed directories are one source.",
    { held: "first-wins", default: "first-wins" },
  ),
};

/** Not decided by a permission gate: kept for the programs that read them. */
const passedThrough = Object.fromEntries(
  [
    ["claudeMd", "channelsEnabled", "allowedChannelPlugins", "pluginTrustMessage"],
    ["pluginSuggestionMarketplaces", "sshHostAllowlist", "forceLoginGatewayUrl", "browserExternalPageTools"],
    ["disableBrowserExternalNavigation", "disableMobileSimulatorTools", "allowedProviders", "deniedModels"],
  ]
    .flat()
    .map((name) => [name, managed.inert(anything, "Kept for the program that reads it.")]),
);

/** The schema of a settings file. Unknown keys are kept. */
export const settingsSchema: z.ZodType = z.looseObject({
  $schema: inert(text, "The JSON Schema for editors."),
  permissions,
  sandbox,
  cordon,
  allowedTools: rules(ruleList, "Other spelling of `permissions.allow`."),
  deniedTools: rules(ruleList, "Other spelling of `permissions.deny`."),
  ignorePatterns: rules(texts, "Old spelling of `Read(...)` deny rules."),
  disableAutoMode: lock(disable, "As `permissions.disableAutoMode`."),
  autoMode: inert(anyObject, "Input of a classifier: `auto` behaves as `default`.", {
    scopes: "user+managed",
  }),
  useAutoModeDuringPlan: inert(bool, "`auto` behaves as `default`; `plan` reads only.", {
    scopes: "personal",
  }),
  skipDangerousModePermissionPrompt: inert(bool, "Skips a warning of another product.", {
    scopes: "personal",
  }),
  skipAutoPermissionPrompt: inert(bool, "Skips a warning of another product.", { scopes: "personal" }),
  env: inert(
    z.record(z.string(), z.string()),
    "Environment variables for the agent; cordon sets none of them.",
  ),
  hooks: how("hooks")(anyObject, "Programs asked about calls; a repository's only once it is trusted."),
  disableAllHooks: how("value")(bool, "Switches hooks off; managed ones only in managed settings."),
  allowedHttpHookUrls: how("restricts")(texts, "The only addresses HTTP hooks may go to; `*` as a wildcard."),
  httpHookAllowedEnvVars: how("restricts")(texts, "The only variables headers of HTTP hooks may carry."),
  allowedMcpServers: how("restricts")(
    z.array(server),
    "The only MCP servers that may be used; `[]` = none. Names hold exactly, strings are patterns with `*`; beside an entry by command or address names do not suffice, and MCP tools are denied (managed) or ask.",
    { denies: MCP },
  ),
  deniedMcpServers: closes(
    z.array(server),
    "MCP servers that may not be used. Names are denied exactly; with an entry by command or address all MCP tools are denied (managed) or ask.",
    { denies: MCP },
  ),
  enableAllProjectMcpServers: inert(bool, "Approves servers of `.mcp.json`: cordon starts none."),
  enabledMcpjsonServers: inert(texts, "Approves servers of `.mcp.json`: cordon starts none."),
  disabledMcpjsonServers: closes(texts, "Servers of `.mcp.json` whose tools are denied."),
  disableClaudeAiConnectors: lock(bool, "Denies the tools of account connectors."),
  ...organisation,
  ...passedThrough,
});
