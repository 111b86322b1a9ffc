import { lstatSync } from "node:fs";
import { userInfo } from "node:os";
import { join, sep } from "node:path";
import type { ManagedFile, ManagedFiles } from "./managed-file.ts";
import { belowTop, ownerFault } from "./owner.ts";
import { type Answer, PLAIN_PATH, askProgram, programFault } from "./program.ts";
import { LARGEST_FILE, codeOf, reasonOf } from "./read-file.ts";
import { namesKey, readKey } from "./registry.ts";
import { WINDOWS } from "./windows-owner.ts";

type Handed = Pick<ManagedFiles, "settings" | "looked">;

/** Milliseconds a program of the system may take. */
const PATIENCE = 10_000;

/** Managed preferences of a Mac, cordon's own first. */
const DOMAINS = ["cordon", "com.anthropic.claudecode"] as const;
const PREFERENCES = "/Library/Managed Preferences";
const PLUTIL = "/usr/bin/plutil";

/**
 * Managed preferences, those of the person before those of the machine: both are written by the
 * system for root alone. Never throws.
 *
 * A property list that is there and cannot be turned into JSON is a fault.
 */
export function macPolicies(top: string, user: string | undefined): Handed {
  const name = user ?? userName();
  const directory = belowTop(top, PREFERENCES);
  // A name that leads elsewhere is nobody's.
  const own =
    name === undefined || name === "" || name.includes(sep) || name.startsWith(".")
      ? []
      : [join(directory, name)];
  const looked = [...own, directory].flatMap((at) => DOMAINS.map((domain) => join(at, `${domain}.plist`)));
  return { settings: looked.flatMap((file) => propertyList(file, top)), looked };
}

function propertyList(file: string, top: string): readonly ManagedFile[] {
  const found = (reading: ManagedFile["reading"]): readonly ManagedFile[] => [
    { file, tier: "policy", reading },
  ];
  try {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return [];
  } catch (error) {
    return codeOf(error) === "ENOTDIR" ? [] : found({ kind: "fault", why: reasonOf(error) });
  }
  const program = belowTop(top, PLUTIL);
  const why = ownerFault(file, top) ?? programFault(program, top);
  if (why !== undefined) return found({ kind: "fault", why });
  const answer = askSystem(program, ["-convert", "json", "-o", "-", "--", file], { PATH: PLAIN_PATH });
  return found(answer.kind === "bytes" ? answer : { kind: "fault", why: `${PLUTIL} ${answer.why}` });
}

function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}

const REG = `${WINDOWS}\\System32\\reg.exe`;
const HIVES = [
  { hive: "HKLM", long: "HKEY_LOCAL_MACHINE", tier: "policy" },
  { hive: "HKCU", long: "HKEY_CURRENT_USER", tier: "person" },
] as const;
const KEYS = ["cordon", "ClaudeCode"] as const;
const VALUE = "Settings";

/**
 * The policies in the registry: those of the machine, and those of the person. Never throws.
 *
 * A policy is absent when the list it would stand in does not name it: what `reg.exe` says of a
 * key that is not there depends on the language of the system. A list that cannot be read is a
 * fault, as is a policy it names and that cannot be read.
 */
export function windowsPolicies(top: string): Handed {
  const program = belowTop(top, REG);
  const env = { SystemRoot: WINDOWS, PATH: `${WINDOWS}\\System32` };
  const query = (...args: readonly string[]): Answer => askSystem(program, ["query", ...args], env);
  const settings = HIVES.flatMap(({ hive, long, tier }): readonly ManagedFile[] => {
    const parent = `${hive}\\SOFTWARE\\Policies`;
    const faulty = (file: string, why: string): readonly ManagedFile[] => [
      { file, tier, reading: { kind: "fault", why: `${REG} ${why}` } },
    ];
    const list = query(parent);
    if (list.kind !== "bytes") {
      const above = query(`${hive}\\SOFTWARE`);
      const none = above.kind === "bytes" && !namesKey(above.bytes, `${long}\\SOFTWARE\\Policies`);
      return none ? [] : faulty(parent, list.why);
    }
    return KEYS.flatMap((key): readonly ManagedFile[] => {
      const name = `${parent}\\${key}`;
      if (!namesKey(list.bytes, `${long}\\SOFTWARE\\Policies\\${key}`)) return [];
      const values = query(name);
      if (values.kind !== "bytes") return faulty(name, values.why);
      if (readKey(values.bytes, VALUE).kind === "absent") return [];
      // Asked for alone, nothing can follow it that might be taken for a part of it.
      const value = query(name, "/v", VALUE);
      if (value.kind !== "bytes") return faulty(name, value.why);
      const reading = readKey(value.bytes, VALUE);
      return [
        {
          file: `${name}\\${VALUE}`,
          tier,
          reading:
            reading.kind === "absent" ? { kind: "fault", why: "was taken away while it was read" } : reading,
        },
      ];
    });
  });
  return { settings, looked: [] };
}

function askSystem(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Answer {
  return askProgram({ program, args, patience: PATIENCE, most: LARGEST_FILE, env });
}
