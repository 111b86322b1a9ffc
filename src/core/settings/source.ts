import type { KeyScopes } from "./keys.ts";

/** The scopes a settings file can have, highest first. */
export const SETTINGS_SCOPES = ["managed", "command-line", "local", "project", "user"] as const;
export type SettingsScope = (typeof SETTINGS_SCOPES)[number];

/**
 * Where managed settings come from, highest first: what a policy helper answered; what the
 * operating system hands out to the machine; files; what it hands out to the person.
 */
export const MANAGED_TIERS = ["helper", "policy", "files", "person"] as const;
export type ManagedTier = (typeof MANAGED_TIERS)[number];

/** Where a settings file stands, and how far it is believed. */
export interface SourcePlace {
  readonly scope: SettingsScope;
  /** Of managed settings; absent = files. */
  readonly tier?: ManagedTier | undefined;
  /** The name problems and rules give; absent for settings that lie in no file. */
  readonly file?: string | undefined;
  /**
   * Allow rules, directories and everything else that opens something count. Without it only what
   * tightens does.
   */
  readonly trusted: boolean;
  /**
   * The file comes with a repository: every project file, and a local file that nobody on this
   * machine wrote. It can then only tighten the mode and the sandbox, even when it is trusted.
   */
  readonly repository: boolean;
  /** Absolute directory a leading `/` of a path pattern stands for. */
  readonly anchor: string;
  /** Absolute directory relative paths start at. */
  readonly base: string;
}

/**
 * One settings file, or settings given by value. `fault` says why a file that exists could not be
 * read; an absent file is no source at all.
 */
export type SettingsSource = SourcePlace &
  (
    | { readonly text: string; readonly fault?: undefined }
    | { readonly fault: string; readonly text?: undefined }
  );

/** Where the policy will hold: absolute, normalised paths. */
export interface Place {
  readonly root: string;
  readonly cwd: string;
  readonly home: string;
}

/** True when a key of these scopes counts in the source at all. */
export function isPermitted(scopes: KeyScopes, source: SourcePlace): boolean {
  switch (scopes) {
    case "any":
      return true;
    case "personal":
      return !source.repository;
    case "outside":
      return !source.repository && source.scope !== "local";
    case "user+managed":
      return source.scope === "managed" || source.scope === "user";
    case "managed":
      return source.scope === "managed";
    case "command-line":
      return source.scope === "command-line";
  }
}

/** The files of these scopes, as a message calls them. */
export function scopesInWords(scopes: KeyScopes): string {
  switch (scopes) {
    case "any":
      return "any settings";
    case "personal":
      return "settings that come with no repository";
    case "outside":
      return "user settings, `--settings` and managed settings";
    case "user+managed":
      return "user settings and managed settings";
    case "managed":
      return "managed settings";
    case "command-line":
      return "`--settings`";
  }
}
