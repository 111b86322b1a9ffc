/** Bytes of the end of standard error that are looked at. */
export const MOST_TAIL: number = 16 * 1024;
/** Lines of it, and characters of each, that are looked at. */
const MOST_LINES = 200;
const MOST_COLUMNS = 1_000;
/** Claims that are followed up. */
const MOST_CLAIMS = 40;
/** How many lines above an error its path may stand. */
const ABOVE = 4;

/** An error that a refusal of the sandbox can show as. */
export type Errno = "EROFS" | "EACCES" | "EPERM" | "EXDEV" | "EBUSY" | "ENOENT";

/**
 * What a failed command says it could not do. Its own words, so nothing of it is known to be true.
 */
export type Claim =
  | {
      readonly kind: "path";
      readonly path: string;
      readonly errno: Errno;
      /** The words around it are about writing. */
      readonly writing: boolean;
      /** They are about making a directory. */
      readonly directory: boolean;
    }
  | { readonly kind: "host"; readonly host: string | undefined }
  | { readonly kind: "exec" }
  | { readonly kind: "namespace" };

const PHRASES: readonly (readonly [Errno, RegExp])[] = [
  ["EROFS", /read-only file ?system|\bEROFS\b|\bos error 30\b/i],
  ["EACCES", /permission denied|\bEACCES\b|\bos error 13\b|AccessDeniedException|access denied/i],
  ["EPERM", /operation not permitted|\bEPERM\b|\bos error 1\b/i],
  ["EXDEV", /cross-device link|\bEXDEV\b|\bos error 18\b/i],
  ["EBUSY", /device or resource busy|resource busy or locked|\bEBUSY\b|\bos error 16\b/i],
  ["ENOENT", /no such file or directory|\bENOENT\b|\bos error 2\b/i],
];

/** How programs say that there is no network; the group is the host, where the line holds one. */
const UNREACHABLE: readonly RegExp[] = [
  /could ?n[o']t resolve (?:host(?:name)?|proxy)(?: name)?:? *\(?(?:could not resolve host: *)?['"]?([\w.:[\]-]+)/i,
  /unable to resolve host address ['‘"`]([\w.-]+)/i,
  /temporary failure resolving '([\w.-]+)'/i,
  /getaddrinfo (?:EAI_AGAIN|ENOTFOUND|EAI_FAIL\w*) ([\w.-]+)/,
  /(?:EAI_AGAIN|ENOTFOUND).*?\bhttps?:\/\/([\w.-]+)/,
  /\b(?:ENETUNREACH|EHOSTUNREACH)\b ([\w.:[\]-]+)/,
  /HTTPS?ConnectionPool\(host='([\w.-]+)'/,
  /dial (?:tcp|udp)[46]?:? (?:lookup )?([\w.-]+|\[[\da-f:]+\]).*?(?:network is unreachable|connection refused|failure in name resolution|no such host|server misbehaving|cannot assign)/i,
  /connect to (?:host )?([\w.:[\]-]+?) port \d+\b.*(?:network is unreachable|couldn't connect|cannot assign)/i,
  /UnknownHostException: ([\w.-]+)/,
  /getaddrinfo for host "([\w.-]+)"/,
  /connecting to ([\w.-]+)[^:]*:\d+\.\.\. failed: network is unreachable/i,
];
const NO_NETWORK =
  /network is unreachable|temporary failure in name resolution|name or service not known|\b(?:ENETUNREACH|EAI_AGAIN)\b/i;
/** In a line that says no more than that, a host may stand in an address. */
const ADDRESS = /\b(?:https?|ssh|git|ftp):\/\/(?:[^/\s@'"]{1,100}@)?([\w.-]{1,253})/;

const WRITING =
  /cannot (?:create|touch|remove|open .* for writing|move|rename|overwrite|set|change)|could not (?:create|write|lock|rename|open .* for writing)|(?:unable|failed) to (?:create|write|unlink|remove|rename|open .* for writing)|\b(?:mkdir|unlink|rename|rmdir|symlink|chmod|utime|copyfile|mkdtemp)\b/i;
const DIRECTORY = /\bmkdir|create (?:the )?(?:leading )?director|create work tree/i;
const NAMESPACE =
  /^(?:\S*\/)?(?:unshare|clone3?|setns|u?mount|pivot_root|newuidmap|nsenter)\b.*(?:operation not permitted|permission denied|must be superuser|EPERM)|create (?:a )?new (?:user )?namespace|move to new namespace|no usable sandbox|user namespaces? (?:is|are) not|bwrap: (?:no permissions|setting up)/i;
const EXEC = /no new privileges|effective uid is not 0|must be setuid root|must have the setuid bit/i;

/**
 * The claims in the end of a command's standard error, in the order they stand there, each once. Understands the
 * messages of the C library and the shells, of Python, Node, npm, git, Go, Rust and Java; what it
 * does not understand is no claim. Bounded in time and size, whatever the text is.
 */
export function claimsIn(tail: string): readonly Claim[] {
  const lines = tail
    .slice(-MOST_TAIL)
    .split(/\r?\n/)
    .slice(-MOST_LINES)
    .map((line) => withoutColour(line.slice(0, MOST_COLUMNS)));
  const claims = new Map<string, Claim>();
  for (const [at, line] of lines.entries()) {
    for (const claim of claimsOf(line, lines.slice(Math.max(0, at - ABOVE), at))) {
      if (claims.size >= MOST_CLAIMS) return [...claims.values()];
      const key = claim.kind === "path" ? `path ${claim.path}` : JSON.stringify(claim);
      if (!claims.has(key)) claims.set(key, claim);
    }
  }
  return [...claims.values()];
}

function claimsOf(line: string, above: readonly string[]): readonly Claim[] {
  const host = UNREACHABLE.map((pattern) => pattern.exec(line)?.[1]).find((name) => name !== undefined);
  if (host !== undefined) return [{ kind: "host", host: bareHost(host) }];
  if (NO_NETWORK.test(line)) return [{ kind: "host", host: ADDRESS.exec(line)?.[1] }];
  if (EXEC.test(line)) return [{ kind: "exec" }];
  if (NAMESPACE.test(line)) return [{ kind: "namespace" }];
  const found = PHRASES.flatMap(([errno, pattern]) => {
    const match = pattern.exec(line);
    return match === null ? [] : [{ errno, start: match.index, end: match.index + match[0].length }];
  })[0];
  if (found === undefined) return [];
  const { errno } = found;
  const here = pathsIn(line, found.start, found.end);
  // Cargo and others name the file first and the reason some lines below.
  const paths =
    here.length > 0
      ? here
      : above
          .toReversed()
          .map(quotedIn)
          .find((list) => list.length > 0);
  return (paths ?? []).map((path): Claim => ({
    kind: "path",
    path,
    errno,
    writing: WRITING.test(line),
    directory: DIRECTORY.test(line),
  }));
}

/** Most paths one line is taken to name. */
const MOST_PATHS = 4;
const QUOTED = /'([^'\n]{1,900})'|"([^"\n]{1,900})"|‘([^’\n]{1,900})’|`([^`'\n]{1,900})[`']/g;

function quotedIn(line: string): readonly string[] {
  return [...line.matchAll(QUOTED)]
    .map((match) => match.slice(1).find((text) => text !== undefined) ?? "")
    .filter((text) => looksLikePath(text))
    .slice(0, MOST_PATHS);
}

/**
 * What stands in quotes, and what stands right before the phrase: `cat: /x: Permission denied`,
 * `open /x: read-only file system`, `FileNotFoundException: /x (Permission denied)`.
 */
function pathsIn(line: string, start: number, end: number): readonly string[] {
  const before = line.slice(0, start).replace(/[\s:(,]+$/, "");
  const segment = before.slice(before.lastIndexOf(": ") + 1).trim();
  // `could not write config file .git/config`
  const last = /\S*\/\S*$/.exec(segment)?.[0];
  const after = /^[\s:)]*(\/[^\s:'"`‘]{1,900})/.exec(line.slice(end))?.[1];
  const words = [segment, last, ...absoluteWords(segment), ...absoluteWords(before), after].filter(
    (text) => text !== undefined && looksLikePath(text),
  );
  const bare = words.flatMap((text) => (text === undefined || /['"`‘’]/.test(text) ? [] : [text]));
  const quoted = quotedIn(line);
  const named = [...new Set(quoted.length > 0 ? [...quoted, ...bare.filter(isAbsolute)] : bare)];
  // Beside a whole path a bare name is that of a thread, a unit, a first argument.
  const whole = named.some(isAbsolute);
  return named.filter((text) => !whole || text.includes("/")).slice(0, MOST_PATHS);
}

function absoluteWords(text: string): readonly string[] {
  // `/bin/bash:` is who complains, not what about.
  return text
    .split(/[\s=]+/)
    .filter((word) => isAbsolute(word) && !word.endsWith(":"))
    .slice(-MOST_PATHS);
}

function isAbsolute(text: string): boolean {
  return /^(?:\/|~\/)./.test(text);
}

/** An absolute path may hold blanks; anything else has to be one word, or it is a sentence. */
function looksLikePath(text: string): boolean {
  if (/^(?:error|fatal|warning|failed|note)$/i.test(text)) return false;
  return text.length < 4_096 && (isAbsolute(text) || /^[^\s:()]*[^\s:().]$/.test(text));
}

function bareHost(text: string): string {
  return text.replace(/[.:]+$/, "").replace(/^(\d+\.\d+\.\d+\.\d+|[a-z][\w.-]*):\d+$/i, "$1");
}

/** Without what colours a line; other control characters stay, and are escaped where it is shown. */
function withoutColour(line: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what a terminal acts on
  return line.replace(/\u001b\[[\d;:]{0,40}[A-Za-z]/g, "");
}
