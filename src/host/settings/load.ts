import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { SettingsSource, SourcePlace } from "../../core/settings/source.ts";
import { managedFiles } from "./managed.ts";
import { type HelperMemory, askHelpers, helperMemory } from "./policy-helper.ts";
import { type Environment, ownUserFile, projectFiles, stateDirectory } from "./places.ts";
import { type FileReading, readWhole, utf8 } from "./read-file.ts";
import { isWritten } from "./written.ts";
import { type Belief, recordedTrust } from "../trust/belief.ts";
import { checkoutAbove, insideProject } from "../trust/surroundings.ts";

/** What to load, and for whom. All paths absolute. */
export interface LoadRequest {
  readonly root: string;
  readonly cwd: string;
  readonly home: string;
  readonly env: Environment;
  /** `--settings`: a file, or JSON that starts with `{`. */
  readonly settingsArg?: string | undefined;
  /** `--managed`: the same. Counts as managed only without ambient settings; with them it can only tighten. */
  readonly managedArg?: string | undefined;
  /** False: no file of the machine, the project or the person is read. */
  readonly ambient: boolean;
  /**
   * Whether a file that comes with the project is trusted as it stands; `repository`: as one that
   * neither raises the mode nor loosens the sandbox. Without it, what `cordon trust` recorded.
   */
  readonly trusted?: ((file: string, bytes: Uint8Array) => Belief) | undefined;
  /** As `process.platform` names it. */
  readonly platform?: string | undefined;
  /** Stands for `/` where managed settings are looked for. */
  readonly top?: string | undefined;
  /** What policy helpers answered before; without it they are asked now. */
  readonly helpers?: HelperMemory | undefined;
}

export interface LoadedSettings {
  /** Highest first. A file that is there and cannot be read is a source with a fault. */
  readonly sources: readonly SettingsSource[];
  /** Hash of scope, name, trust and bytes of every source. */
  readonly fingerprint: string;
  /** Every path that was looked at: when one of them changes, the settings may have. */
  readonly looked: readonly string[];
  /** When policy helpers gave the answers among the sources, in milliseconds since 1970. */
  readonly answered: ReadonlyMap<string, number>;
}

/** Finds and reads the settings files that hold at a place. Never throws. */
export function loadSources(request: LoadRequest): LoadedSettings {
  const { root, cwd } = request;
  const sources: SettingsSource[] = [];
  const looked: string[] = [];
  const hash = createHash("sha256");
  const add = (place: SourcePlace, reading: FileReading): void => {
    if (reading.kind === "absent") return;
    const source = toSource(place, reading);
    sources.push(source);
    const bytes = reading.kind === "bytes" ? reading.bytes : Buffer.from(reading.why);
    hash.update(
      JSON.stringify([
        [place.scope, place.tier, place.file, place.trusted, place.repository],
        [reading.kind, bytes.length],
      ]),
    );
    hash.update(bytes);
  };
  const given = (scope: "managed" | "command-line", arg: string, trusted: boolean): void => {
    if (arg.trimStart().startsWith("{")) {
      const place = { scope, trusted, repository: false, anchor: cwd, base: cwd };
      add(place, { kind: "bytes", bytes: Buffer.from(arg) });
      return;
    }
    const file = resolve(cwd, arg);
    looked.push(file);
    const reading = readWhole(file, "follow");
    const anchor = scope === "managed" ? root : dirname(file);
    const place = { scope, file, trusted, repository: false, anchor, base: anchor };
    add(place, reading.kind === "absent" ? { kind: "fault", why: "there is no such file" } : reading);
  };

  const answered = request.ambient ? addManaged(request, add, looked) : new Map<string, number>();
  if (request.managedArg !== undefined) {
    given(request.ambient ? "command-line" : "managed", request.managedArg, !request.ambient);
  }
  if (request.settingsArg !== undefined) given("command-line", request.settingsArg, true);
  if (request.ambient) {
    addFiles(request, add, looked);
    addAbove(request, add, looked);
  }
  return { sources, fingerprint: hash.digest("hex"), looked, answered };
}

type Add = (place: SourcePlace, reading: FileReading) => void;

/** The answers of policy helpers, which go before everything, and the sources that name them. */
function addManaged(request: LoadRequest, add: Add, looked: string[]): ReadonlyMap<string, number> {
  const { root, platform = process.platform, top } = request;
  const place = { scope: "managed", trusted: true, repository: false, anchor: root, base: root } as const;
  const found = managedFiles({ platform, top });
  looked.push(...found.looked);
  const readings = found.settings.map(({ file, tier, reading }) => ({
    place: { ...place, file, tier },
    reading,
  }));
  const memory = request.helpers ?? helperMemory();
  const sources = readings.map((each) => toSource(each.place, each.reading));
  const answers = askHelpers(sources, { ...request, platform, top: top ?? "/", memory });
  for (const { file, reading } of answers) add({ ...place, file, tier: "helper" }, reading);
  for (const each of readings) {
    looked.push(each.place.file);
    add(each.place, each.reading);
  }
  // A set of servers that shuts out all others. Which server a name stands for cannot be told, so
  // that none of them is known to be in it.
  for (const file of found.servers) {
    add({ ...place, file, tier: "files" }, { kind: "bytes", bytes: Buffer.from('{"allowedMcpServers":[]}') });
  }
  return new Map(answers.map(({ file, at }) => [file, at]));
}

function addFiles(request: LoadRequest, add: Add, looked: string[]): void {
  const { root } = request;
  const trusted = request.trusted ?? recordedTrust(request);
  const users = userFiles(request);
  const { local, shared } = projectFiles(root);
  const project = { anchor: root, base: root };
  // An absolute anchor of a local file is where the session started.
  addLocal(local, { ...project, anchor: request.cwd }, trusted, request, add, looked);
  for (const file of shared) {
    // In the home directory the file of the project is the file of the person.
    if (users.some((user) => user.file === file)) continue;
    looked.push(file);
    const reading = readWhole(file, "follow");
    const believed = reading.kind === "bytes" && trusted(file, reading.bytes) !== false;
    add({ scope: "project", file, trusted: believed, repository: true, ...project }, reading);
  }
  for (const { file, own } of users) {
    looked.push(file);
    const place = {
      scope: "user",
      file,
      trusted: own,
      repository: !own,
      anchor: dirname(file),
      base: dirname(file),
    } as const;
    add(place, readWhole(file, "follow"));
  }
}

/**
 * Local files. One that cordon wrote is a person's own, unless the project could have written what
 * is remembered of that; any other is believed as far as `believes` says.
 */
function addLocal(
  files: readonly string[],
  place: Pick<SourcePlace, "anchor" | "base">,
  believes: NonNullable<LoadRequest["trusted"]>,
  request: LoadRequest,
  add: Add,
  looked: string[],
): void {
  const state = stateDirectory(request.env, request.home);
  // Looked up only where a local file is there.
  let inside: boolean | undefined;
  const stateIsOurs = (): boolean => !(inside ??= insideProject(state, request));
  for (const file of files) {
    looked.push(file);
    const reading = readWhole(file, "follow");
    const believed =
      reading.kind === "bytes" &&
      ((isWritten(state, file, reading.bytes) && stateIsOurs()) || believes(file, reading.bytes));
    const repository = believed === false || believed === "repository";
    add({ scope: "local", file, trusted: believed !== false, repository, ...place }, reading);
  }
}

/**
 * The files at the top of the checkout, for a session that was started further down in it: what
 * they deny and ask about holds there too, so does what cordon wrote into the local ones, and after
 * `cordon trust` the rest of their rules. They come last: where a value is chosen, everything
 * nearer goes first.
 */
function addAbove(request: LoadRequest, add: Add, looked: string[]): void {
  const { root, home, env, trusted } = request;
  const top = checkoutAbove(root, home);
  if (top === undefined) return;
  if (typeof top === "object") {
    // Whether anything is denied up there cannot be told.
    const place = {
      scope: "project",
      file: root,
      trusted: false,
      repository: true,
      anchor: root,
      base: root,
    } as const;
    return add(place, { kind: "fault", why: `the checkout it lies in cannot be looked at (${top.why})` });
  }
  const believes = trusted ?? recordedTrust({ root: top, home, env });
  const { local, shared } = projectFiles(top);
  const place = { anchor: top, base: top };
  addLocal(local, place, believes, request, add, looked);
  for (const file of shared) {
    looked.push(file);
    const reading = readWhole(file, "follow");
    const believed = reading.kind === "bytes" && believes(file, reading.bytes) !== false;
    add({ scope: "project", file, trusted: believed, repository: true, ...place }, reading);
  }
}

/**
 * The user's files. A configuration directory that lies in the project, is not there or is somebody
 * else's is no better than the project: its file can only tighten, and the usual one is read as well.
 */
function userFiles(request: LoadRequest): readonly { readonly file: string; readonly own: boolean }[] {
  const { cwd, home, env } = request;
  const usual = { file: join(home, ".claude", "settings.json"), own: true };
  const own = { file: ownUserFile(home), own: true };
  const named = env["CLAUDE_CONFIG_DIR"];
  if (named === undefined || named === "") return [own, usual];
  const file = join(resolve(cwd, named), "settings.json");
  if (file === usual.file) return [own, usual];
  const foreign = insideProject(file, request) || !isPersons(dirname(file));
  return foreign ? [own, usual, { file, own: false }] : [own, { file, own: true }];
}

/** A directory that is there, belongs to the person or the administrator, and is not open to everybody. */
function isPersons(directory: string): boolean {
  try {
    const stats = statSync(directory);
    const mine = process.geteuid === undefined || stats.uid === process.geteuid() || stats.uid === 0;
    return stats.isDirectory() && mine && (stats.mode & 0o002) === 0;
  } catch {
    return false;
  }
}

function toSource(
  place: SourcePlace,
  reading: Exclude<FileReading, { readonly kind: "absent" }>,
): SettingsSource {
  if (reading.kind === "fault") return { ...place, fault: reading.why };
  const text = utf8(reading.bytes);
  return text === undefined
    ? { ...place, fault: `${basename(place.file ?? "the text")} is not written in UTF-8` }
    : { ...place, text };
}
