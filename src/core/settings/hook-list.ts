import type { Document, Node } from "./document.ts";
import { propertiesOf } from "./document.ts";
import { readHandler } from "./hook-entry.ts";
import { type HookMatcher, readMatcher } from "./hook-matcher.ts";
import { HOOK_EVENTS, type Hook, type HookEvent, KEPT_EVENTS, isToolEvent } from "./hooks.ts";
import { nearest } from "./keys.ts";
import type { Finding } from "./reading.ts";
import type { Place, SettingsSource } from "./source.ts";
import type { Walk } from "./walk.ts";

const ALL: HookMatcher = { kind: "all" };

/**
 * Reads every hook of a source.
 *
 * INVARIANT: no PreToolUse entry is lost: one that cannot be read is a hook of its own, with the
 * action `none` and the widest matcher it can have. Of a key that stands twice both count.
 */
export function readHooks(
  source: SettingsSource,
  place: Place,
  { entries }: Walk,
  document: Document,
  findings: Finding[],
): readonly Hook[] {
  const reader: Reader = { source, place, document, findings };
  return entries
    .filter(({ path }) => path === "hooks")
    .flatMap(({ node }) => {
      if (node.type !== "object") {
        return [broken(reader, "PreToolUse", ALL, node, "hooks", "`hooks` must be an object")];
      }
      return propertiesOf(node).flatMap(({ name, key, value }) => {
        const event = HOOK_EVENTS.find((each) => each === name);
        return event === undefined ? stray(reader, name, key) : groupsOf(reader, event, value);
      });
    });
}

interface Reader {
  readonly source: SettingsSource;
  readonly place: Place;
  readonly document: Document;
  readonly findings: Finding[];
}

/** A slip in the name of the event that guards calls must not lose a guard. */
function stray(reader: Reader, name: string, key: Node): readonly Hook[] {
  if (KEPT_EVENTS.includes(name)) return [];
  const near = nearest(name.slice(0, 60), [...HOOK_EVENTS, ...KEPT_EVENTS]);
  const hint = near === undefined ? undefined : `did you mean \`${near}\`?`;
  const path = `hooks.${name.slice(0, 60)}`;
  const message = `there is no event \`${name.slice(0, 60)}\``;
  if (near === "PreToolUse") return [broken(reader, near, ALL, key, path, message, hint)];
  reader.findings.push({ severity: "warning", key: path, message, hint, offset: key.offset });
  return [];
}

function groupsOf(reader: Reader, event: HookEvent, list: Node): readonly Hook[] {
  const key = `hooks.${event}`;
  if (list.type !== "array") {
    return [broken(reader, event, ALL, list, key, `\`${key}\` must be a list`, SHAPE)];
  }
  return (list.children ?? []).flatMap((group, index) => groupOf(reader, event, group, `${key}[${index}]`));
}

const SHAPE = 'an entry is `{"matcher": "Bash", "hooks": [{"type": "command", "command": "..."}]}`';

function groupOf(reader: Reader, event: HookEvent, group: Node, key: string): readonly Hook[] {
  if (group.type !== "object") {
    return [broken(reader, event, ALL, group, key, `\`${key}\` must be an object`, SHAPE)];
  }
  const properties = propertiesOf(group);
  const given = properties.findLast(({ name }) => name === "matcher")?.value;
  const list = properties.findLast(({ name }) => name === "hooks")?.value;
  const matcher =
    given === undefined ? ALL : given.type === "string" ? readMatcher(String(given.value)) : undefined;
  if (matcher === undefined) {
    const message = `\`${key}.matcher\` is neither a list of names nor a regular expression`;
    return [broken(reader, event, ALL, given ?? group, `${key}.matcher`, message, 'write `"Bash|Edit"`')];
  }
  if (list?.type !== "array") {
    return [broken(reader, event, matcher, list ?? group, key, `\`${key}.hooks\` must be a list`, SHAPE)];
  }
  return (list.children ?? []).map((node, index) =>
    hookOf(reader, event, matcher, node, `${key}.hooks[${index}]`),
  );
}

function hookOf(reader: Reader, event: HookEvent, matcher: HookMatcher, node: Node, key: string): Hook {
  const { source, place, document, findings } = reader;
  const { slips, notes, conditions, isAsync, ...handler } = readHandler(node, event, source, place);
  for (const { node: at, message, hint } of slips) fault(reader, event, at, key, message, hint);
  for (const { node: at, message, hint } of notes) {
    findings.push({ severity: "warning", key, message, hint, offset: at.offset });
  }
  const { scope, file, repository, anchor } = source;
  const { line } = document.positionOf(node.offset);
  const person = !repository && scope !== "managed";
  if (handler.onFailure === "continue" && !person) {
    const message = '`onFailure: "continue"` does nothing here: only a person\'s own settings may say so';
    findings.push({ severity: "warning", key, message, offset: node.offset });
  }
  if (conditions !== undefined && !isToolEvent(event)) {
    const message = `\`if\` is about tool calls, and ${event} is about none: the hook never runs`;
    findings.push({ severity: "warning", key, message, hint: "remove it", offset: node.offset });
  }
  return {
    ...handler,
    event,
    matcher,
    conditions: conditions?.map((reading) => ({ ...reading, text: "if", scope, file, line, anchor })),
    onFailure: person ? handler.onFailure : "block",
    decides: !isAsync || handler.action.kind === "none",
    repository,
    origin: { scope, file, line },
  };
}

function broken(
  reader: Reader,
  event: HookEvent,
  matcher: HookMatcher,
  node: Node,
  key: string,
  message: string,
  hint?: string,
): Hook {
  fault(reader, event, node, key, message, hint);
  const { scope, file, repository } = reader.source;
  return {
    event,
    matcher,
    conditions: undefined,
    name: key,
    origin: { scope, file, line: reader.document.positionOf(node.offset).line },
    timeout: 1,
    onFailure: "block",
    decides: true,
    repository,
    action: { kind: "none", why: message },
  };
}

/** What a hook that cannot be run leads to, said at its place. */
function fault(
  { source, findings }: Reader,
  event: HookEvent,
  node: Node,
  key: string,
  message: string,
  hint: string | undefined,
): void {
  const guards = event === "PreToolUse" && source.trusted;
  const verb = source.scope === "managed" ? "are denied" : "ask";
  const then = guards ? `the calls it is for ${verb} until it is mended` : "it does not run";
  findings.push({
    severity: guards ? "error" : "warning",
    key,
    message: `${message}; ${then}`,
    hint,
    offset: node.offset,
  });
}
