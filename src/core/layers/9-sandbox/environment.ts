/**
 * Variables that pass into the sandbox as they are. None of them holds a secret by custom, and
 * none makes a program load code before the command's own.
 */
export const PASSED_VARIABLES: readonly string[] = [
  // who and where
  "HOME",
  "LOGNAME",
  "SHELL",
  "USER",
  // language and time
  "LANG",
  "LANGUAGE",
  "SOURCE_DATE_EPOCH",
  "TZ",
  // terminal
  "CLICOLOR",
  "CLICOLOR_FORCE",
  "COLORTERM",
  "COLUMNS",
  "FORCE_COLOR",
  "LINES",
  "LS_COLORS",
  "NO_COLOR",
  "TERM",
  "TERM_PROGRAM",
  // what kind of run it is
  "CI",
  "DEBUG",
  "NODE_ENV",
  "RUST_BACKTRACE",
  "RUST_LOG",
  // who commits
  "GIT_AUTHOR_DATE",
  "GIT_AUTHOR_EMAIL",
  "GIT_AUTHOR_NAME",
  "GIT_COMMITTER_DATE",
  "GIT_COMMITTER_EMAIL",
  "GIT_COMMITTER_NAME",
  // where tools live
  "ANDROID_HOME",
  "BUN_INSTALL",
  "CARGO_HOME",
  "CONDA_PREFIX",
  "DENO_INSTALL",
  "DOTNET_ROOT",
  "FNM_DIR",
  "GEM_HOME",
  "GEM_PATH",
  "GOPATH",
  "GOROOT",
  "GRADLE_HOME",
  "JAVA_HOME",
  "M2_HOME",
  "MAVEN_HOME",
  "NIX_PROFILES",
  "NVM_BIN",
  "NVM_DIR",
  "PNPM_HOME",
  "PYENV_ROOT",
  "PYTHONDONTWRITEBYTECODE",
  "PYTHONUNBUFFERED",
  "RBENV_ROOT",
  "RUSTUP_HOME",
  "SDKMAN_DIR",
  "VIRTUAL_ENV",
  "VOLTA_HOME",
];

/** `LC_ALL`, `LC_CTYPE` and their kin. */
const PASSED_PREFIX = "LC_";

const PATH_WITHOUT_ONE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The whole environment of a sandboxed command.
 *
 * INVARIANT: a variable that is not listed above does not pass. A value with a NUL byte is left
 * out. PATH keeps its absolute entries only, so that the working directory is never searched.
 * `caches` are variables that the plan sets for caches.
 */
export function sandboxEnvironment(
  caller: Readonly<Record<string, string | undefined>>,
  home: string,
  temporary: string,
  caches: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const passed = Object.entries(caller).flatMap(([name, value]): readonly (readonly [string, string])[] =>
    value !== undefined &&
    !value.includes("\0") &&
    (PASSED_VARIABLES.includes(name) || (name.startsWith(PASSED_PREFIX) && /^LC_[A-Z]+$/.test(name)))
      ? [[name, value]]
      : [],
  );
  return {
    ...Object.fromEntries(passed),
    HOME: home,
    PATH: searchPath(caller["PATH"] ?? ""),
    TMPDIR: temporary,
    ...caches,
    npm_config_update_notifier: "false",
    CORDON_SANDBOX: "1",
  };
}

function searchPath(text: string): string {
  const entries = [
    ...new Set(text.split(":").filter((entry) => entry.startsWith("/") && !entry.includes("\0"))),
  ];
  return entries.length === 0 ? PATH_WITHOUT_ONE : entries.join(":");
}
