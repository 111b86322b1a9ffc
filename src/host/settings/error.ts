/** Thrown where a settings file could not be changed. The file is then as it was before. */
export class SettingsFileError extends Error {
  override readonly name = "SettingsFileError";
  readonly file: string;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(file: string, what: string, hint?: string, cause?: unknown) {
    super(`${file}: ${what}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.hint = hint;
  }
}
