import { isExpansion, isHarmless, kindOf } from "./judge.ts";
import { classOfName, wordSet, wordsOfName } from "./names.ts";
import { commandsOf, programOf, type Command, type Word } from "./scan.ts";
import type { Finding } from "./values.ts";

/** Which part of the argument is secret. */
type Part = "all" | "after-colon" | "after-percent" | "after-equals";

/** An option of particular commands whose name does not say that its argument is secret. */
interface SecretOption {
  readonly commands: readonly string[];
  /** As written: `-p`, `--user`. */
  readonly options: readonly string[];
  /** `-pX`, `-p X`, or both. `--opt=X` is read wherever `--opt X` is. */
  readonly form: "attached" | "next" | "either";
  readonly part: Part;
  /** Only where this word stands in the command as well. */
  readonly with?: string | undefined;
  /** Letters that may stand between the dash and the option in one word. */
  readonly flags?: string | undefined;
}

const MYSQL = [
  "mysql",
  "mysqldump",
  "mysqladmin",
  "mysqlimport",
  "mysqlshow",
  "mysqlcheck",
  "mysqlsh",
  "mariadb",
  "mariadb-dump",
  "mycli",
];

export const SECRET_OPTIONS: readonly SecretOption[] = [
  { commands: MYSQL, options: ["-p"], form: "attached", part: "all" },
  {
    commands: ["curl"],
    options: ["-u", "-U", "--user", "--proxy-user"],
    form: "either",
    part: "after-colon",
    flags: "sSkvifLgGIOJN#0123460",
  },
  {
    commands: ["curl"],
    options: ["-b", "--cookie"],
    form: "either",
    part: "after-equals",
    flags: "sSkvifLgGIOJN#0123460",
  },
  {
    commands: ["curl"],
    options: ["--oauth2-bearer", "--pass", "--proxy-pass", "--tlspassword"],
    form: "next",
    part: "all",
  },
  { commands: ["http", "https", "xh", "xhs"], options: ["-a", "--auth"], form: "either", part: "all" },
  { commands: ["sshpass"], options: ["-p"], form: "either", part: "all" },
  {
    commands: ["docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "oras", "crane", "az"],
    options: ["-p"],
    form: "either",
    part: "all",
    with: "login",
  },
  { commands: ["oc"], options: ["-p"], form: "either", part: "all", with: "login" },
  {
    commands: ["skopeo"],
    options: ["--creds", "--src-creds", "--dest-creds"],
    form: "next",
    part: "after-colon",
  },
  { commands: ["redis-cli"], options: ["-a", "--pass"], form: "either", part: "all" },
  {
    commands: ["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport"],
    options: ["-p"],
    form: "either",
    part: "all",
  },
  {
    commands: ["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd"],
    options: ["-w", "-s"],
    form: "either",
    part: "all",
  },
  {
    commands: ["smbclient", "smbmap", "rpcclient", "net"],
    options: ["-U", "--user"],
    form: "either",
    part: "after-percent",
  },
  { commands: ["sqlcmd", "bcp", "isql"], options: ["-P"], form: "either", part: "all" },
  { commands: ["cqlsh"], options: ["-p"], form: "either", part: "all" },
  {
    commands: ["openssl"],
    options: ["-passin", "-passout", "-pass", "-passwd"],
    form: "next",
    part: "after-colon",
  },
  { commands: ["openssl"], options: ["-k", "-K"], form: "next", part: "all", with: "enc" },
  { commands: ["zip", "unzip"], options: ["-P"], form: "either", part: "all" },
  { commands: ["7z", "7za", "7zr", "rar", "unrar"], options: ["-p"], form: "attached", part: "all" },
  { commands: ["twine"], options: ["-p"], form: "either", part: "all" },
  { commands: ["snmpwalk", "snmpget", "snmpset"], options: ["-c", "-A", "-X"], form: "either", part: "all" },
  { commands: ["ipmitool"], options: ["-P"], form: "either", part: "all" },
  { commands: ["xfreerdp", "rdesktop"], options: ["-p"], form: "either", part: "all" },
  {
    commands: ["evil-winrm", "crackmapexec", "netexec", "nxc"],
    options: ["-p"],
    form: "either",
    part: "all",
  },
  { commands: ["kubectl", "oc"], options: ["--from-literal"], form: "next", part: "after-equals" },
  { commands: ["gh", "glab"], options: ["-b", "--body"], form: "either", part: "all", with: "secret" },
  { commands: ["doctl"], options: ["-t"], form: "either", part: "all", with: "auth" },
  {
    commands: ["keytool"],
    options: ["-storepass", "-keypass", "-srcstorepass", "-deststorepass"],
    form: "next",
    part: "all",
  },
  { commands: ["jarsigner"], options: ["-storepass", "-keypass"], form: "next", part: "all" },
  {
    commands: ["wget"],
    options: ["--http-password", "--ftp-password", "--proxy-password"],
    form: "next",
    part: "all",
  },
];

/** The operand after these words is secret. */
const SECRET_OPERANDS: readonly (readonly [string, readonly string[]])[] = [
  ["vault", ["login"]],
  ["vercel", ["login"]],
  ["ngrok", ["authtoken"]],
  ["ngrok", ["config", "add-authtoken"]],
  ["heroku", ["auth:token"]],
];

/** Commands that take `name=value` operands that are all secret, after these words. */
const SECRET_PAIRS: readonly (readonly [string, string])[] = [
  ["fly", "secrets"],
  ["flyctl", "secrets"],
  ["vault", "kv"],
  ["vault", "write"],
  ["supabase", "secrets"],
  ["doppler", "secrets"],
];

/** Words after which a command reads a secret from its standard input. */
const READS_SECRET = [
  "--password-stdin",
  "--with-token",
  "--stdin",
  "--passphrase-fd",
  "--token-stdin",
  "--pinentry-mode",
];
const KEEPERS = wordSet("aws npm pnpm yarn git pip pip3 poetry composer gcloud bundle conda rclone hub");

/** The span of a word's text from `offset` characters on, without the quotes around it. */
function spanOf(text: string, word: Word, offset: number): readonly [number, number] {
  let [from, to] = [word.start + offset, word.end];
  const first = text[from];
  if ((first === '"' || first === "'") && text[to - 1] === first && to - from >= 2)
    [from, to] = [from + 1, to - 1];
  return [from, to];
}

function take(text: string, span: readonly [number, number], part: Part, kind: string, out: Finding[]): void {
  let [from, to] = span;
  const value = text.slice(from, to);
  if (part !== "all") {
    const mark = part === "after-colon" ? ":" : part === "after-percent" ? "%" : "=";
    const at = value.indexOf(mark);
    if (at === -1) return;
    // `-passin env:NAME` and `file:NAME` name where the secret is.
    if (part === "after-colon" && ["env", "file", "fd"].includes(value.slice(0, at))) return;
    from += at + 1;
  }
  if (to > from && !isHarmless(text.slice(from, to), "password")) out.push({ from, to, kind });
}

function optionsOf(text: string, command: Command, out: Finding[]): void {
  const words = command.words;
  const names = new Set(words.map(programOf));
  const rows = SECRET_OPTIONS.filter(
    (row) => row.commands.some((name) => names.has(name)) && (row.with === undefined || names.has(row.with)),
  );
  words.forEach((word, index) => {
    if (!word.text.startsWith("-")) return;
    const next = words[index + 1];
    for (const row of rows) {
      for (const option of row.options) {
        if (word.text === option && row.form !== "attached" && next !== undefined) {
          take(text, spanOf(text, next, 0), row.part, "password", out);
        } else if (option.startsWith("--") || option.length > 2) {
          if (word.text.startsWith(`${option}=`))
            take(text, spanOf(text, word, option.length + 1), row.part, "password", out);
        } else {
          clusterOf(text, word, next, option.charAt(1), row, out);
        }
      }
    }
    if (next !== undefined && !next.operator && !next.text.startsWith("-") && !word.text.includes("=")) {
      namedOption(text, word, next, out);
    }
  });
}

function clusterOf(
  text: string,
  word: Word,
  next: Word | undefined,
  letter: string,
  row: SecretOption,
  out: Finding[],
): void {
  if (word.text.startsWith("--")) return;
  let at = 1;
  while (row.flags !== undefined && at < word.text.length && row.flags.includes(word.text.charAt(at)))
    at += 1;
  if (word.text[at] !== letter) return;
  if (at + 1 < word.text.length) {
    if (row.form === "next") return;
    const quoted = text.slice(word.start, word.start + at + 1) !== word.text.slice(0, at + 1);
    take(text, spanOf(text, word, quoted ? 0 : at + 1), row.part, "password", out);
  } else if (at > 1 && row.form !== "attached" && next !== undefined) {
    take(text, spanOf(text, next, 0), row.part, "password", out);
  }
}

/** `--token abc`: the option's own name says it. */
function namedOption(text: string, word: Word, next: Word, out: Finding[]): void {
  const name = word.text.replace(/^-+/, "");
  const first = wordsOfName(name)[0] ?? "";
  if (["no", "with", "without", "skip", "disable", "enable", "use", "any"].includes(first)) return;
  const [from, to] = spanOf(text, next, 0);
  const value = text.slice(from, to);
  // `--secret id=name,src=file`
  if (/^(?:id|type|src|source)=/.test(value)) return;
  if (classOfName(name) === "none") return;
  const kind = kindOf(name, value, "option", true);
  if (kind !== undefined) out.push({ from, to, kind });
}

function operandsOf(text: string, command: Command, out: Finding[]): void {
  const words = command.words.filter((word) => !word.operator);
  const names = words.map(programOf);
  for (const [program, before] of SECRET_OPERANDS) {
    const at = names.indexOf(program);
    const behind = names.indexOf(before.at(-1) ?? "", at + 1);
    if (at === -1 || behind === -1 || !before.every((word) => names.includes(word, at))) continue;
    const operand = words.slice(behind + 1).find((word) => !word.text.startsWith("-"));
    if (operand !== undefined && !operand.text.includes("="))
      take(text, spanOf(text, operand, 0), "all", "secret", out);
  }
  for (const [program, subcommand] of SECRET_PAIRS) {
    const at = names.indexOf(program);
    if (at === -1 || !names.includes(subcommand, at)) continue;
    for (const word of words.slice(at + 1)) {
      if (!word.text.startsWith("-")) take(text, spanOf(text, word, 0), "after-equals", "secret", out);
    }
  }
  const keeper = names.findIndex((name) => KEEPERS.has(name));
  const sets = names.findIndex((name) => name === "set" || name === "config" || name === "add");
  if (keeper !== -1 && sets > keeper) {
    for (let i = sets + 1; i + 1 < words.length; i += 1) {
      const name = words[i]?.text ?? "";
      const value = words[i + 1];
      const key = name.slice(name.lastIndexOf(":") + 1);
      if (value === undefined || name.startsWith("-") || wordsOfName(key).length < 2) continue;
      const named = classOfName(key);
      if (named === "password" || named === "secret")
        take(text, spanOf(text, value, 0), "all", "secret", out);
    }
  }
  const last = words.at(-1);
  if (
    names.includes("htpasswd") &&
    last !== undefined &&
    words.some((word) => /^-[A-Za-z]*b/.test(word.text))
  ) {
    take(text, spanOf(text, last, 0), "all", "password", out);
  }
}

function readsSecret(command: Command): boolean {
  const names = command.words.map(programOf);
  if (names.includes("chpasswd") || names.includes("cryptsetup")) return true;
  if (
    names.includes("sudo") &&
    command.words.some((word) => /^-[A-Za-z]*S/.test(word.text) || word.text === "--stdin")
  )
    return true;
  if (names.includes("gh") && names.includes("secret") && names.includes("set")) return true;
  return command.words.some((word) => READS_SECRET.includes(word.text));
}

/** `echo SECRET | sudo -S`, `docker login --password-stdin <<< SECRET`. */
function inputsOf(text: string, commands: readonly Command[], out: Finding[]): void {
  commands.forEach((command, index) => {
    if (!readsSecret(command)) return;
    command.words.forEach((word, at) => {
      if (word.operator && word.text === "<<<") {
        const input = command.words[at + 1];
        if (input !== undefined) take(text, spanOf(text, input, 0), "all", "input", out);
      }
    });
    const before = commands[index - 1];
    if (before === undefined || !before.piped) return;
    const program = before.words[0];
    if (program === undefined || !["echo", "printf"].includes(programOf(program))) return;
    for (const word of before.words.slice(1)) {
      const [from, to] = spanOf(text, word, 0);
      const value = text.slice(from, to);
      const format = /^[%\\sn"']*$/.test(value);
      if (!word.operator && !/^-[neE]+$/.test(word.text) && !format && !isExpansion(value))
        out.push({ from, to, kind: "input" });
    }
  });
}

/** Findings that need to know which command a word belongs to. */
export function commandValues(text: string): readonly Finding[] {
  const out: Finding[] = [];
  const commands = commandsOf(text);
  for (const command of commands) {
    optionsOf(text, command, out);
    operandsOf(text, command, out);
  }
  inputsOf(text, commands, out);
  return out;
}
