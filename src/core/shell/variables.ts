/**
 * Variables whose value changes what later commands are or do. Sources: bash(1), git(1),
 * ld.so(8) and the manuals of the programs named.
 */
const SENSITIVE: ReadonlySet<string> = new Set(
  (
    "PATH IFS BASH_ENV ENV SHELLOPTS BASHOPTS PS4 CDPATH GLOBIGNORE BASH_CMDS BASH_ALIASES PROMPT_COMMAND HOME " +
    "PAGER MANPAGER LESSOPEN LESSCLOSE LESS EDITOR VISUAL SHELL BROWSER RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH " +
    "JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH SSH_AUTH_SOCK SSH_ASKPASS TMPDIR PERL5OPT PERL5LIB PERLLIB PERL5DB " +
    "http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY no_proxy NO_PROXY CC CXX LD AR MAKEFLAGS RUSTC " +
    "RUSTC_WRAPPER CARGO_HOME GOFLAGS GOPATH KUBECONFIG DOCKER_HOST AWS_PROFILE AWS_CONFIG_FILE XDG_CONFIG_HOME " +
    "MAILPATH HISTFILE FPATH ZDOTDIR TERMINFO TERMCAP INPUTRC GCONV_PATH HOSTALIASES LOCPATH MANPATH RIPGREP_CONFIG_PATH"
  ).split(" "),
);

const SENSITIVE_PREFIXES: readonly string[] = [
  "LD_",
  "DYLD_",
  "GIT_",
  "BASH_FUNC_",
  "PYTHON",
  "npm_config_",
  "NPM_CONFIG_",
  "SSL_CERT_",
  "YARN_",
  "CORDON_",
  "CLAUDE_",
];

/** Variables that change output or a test run and nothing else; dropped before allow rules are matched. */
const HARMLESS: ReadonlySet<string> = new Set(
  (
    "NODE_ENV TZ LANG LANGUAGE LC_ALL LC_CTYPE LC_COLLATE LC_MESSAGES LC_NUMERIC LC_TIME NO_COLOR FORCE_COLOR CLICOLOR " +
    "CLICOLOR_FORCE CI TERM COLUMNS LINES DEBUG RUST_BACKTRACE RUST_LOG PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE"
  ).split(" "),
);

/** Set by the shell or the login for everybody; printing them gives nothing away. */
const PUBLIC: ReadonlySet<string> = new Set(
  (
    "USER LOGNAME SHELL HOSTNAME HOSTTYPE OSTYPE MACHTYPE LANG TERM PATH EUID UID PPID RANDOM SRANDOM SECONDS EPOCHSECONDS " +
    "LINENO COLUMNS LINES BASH BASH_VERSION BASHPID SHLVL OLDPWD TMPDIR EDITOR PAGER DISPLAY OPTIND OPTARG REPLY FUNCNAME"
  ).split(" "),
);

/** Setting it changes what later commands do. */
export function isSensitiveVariable(name: string): boolean {
  if (HARMLESS.has(name)) return false;
  return SENSITIVE.has(name) || SENSITIVE_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Setting it changes nothing an allow rule could care about. */
export function isHarmlessVariable(name: string): boolean {
  return HARMLESS.has(name);
}

/** Its value is no secret, though cordon does not know it. */
export function isPublicVariable(name: string): boolean {
  return PUBLIC.has(name);
}
