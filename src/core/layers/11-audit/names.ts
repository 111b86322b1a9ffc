import { isAlnum, isDigit, isLower, isUpper } from "./entropy.ts";

/**
 * How much a name says about its value.
 *
 * `password` and `secret`: the value is redacted wherever the name stands. `likely`: redacted when
 * it is assigned to an environment-style name, or looks random. `none`: says nothing.
 */
export type NameClass = "password" | "secret" | "likely" | "none";

/** The set of the words in `lines`, which blanks separate. */
export function wordSet(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.flatMap((line) => line.split(" ")));
}

const PASSWORDS = wordSet("password passwd passphrase passcode passwort contrasena contraseña pwd");
const SECRETS = wordSet(
  "secret token apikey credential cred privatekey secretkey accesskey authtoken authkey accesstoken",
  "refreshtoken idtoken sessionid sessid jwt bearer storepass keypass dbpass userpass accountkey",
  "servicekey clientkey privkey dbkey databasekey",
);
const LIKELY = wordSet(
  "key auth authentication authorization cert private pass pin otp totp salt signature sig seed",
  "mnemonic cookie session csrf xsrf nonce dsn connstr webhook sid",
);
/** Ends that make one word of a name written without separators: PGPASSWORD, mytoken. */
const ENDS = [
  "password",
  "passwd",
  "passphrase",
  "secret",
  "token",
  "apikey",
  "secretkey",
  "accesskey",
  "pwd",
];
/** `KEY` after one of these is a credential wherever it stands. */
const KEY_OWNERS = wordSet(
  "api access secret auth account service client private priv encryption signing master ssh storage",
  "shared admin license application consumer hmac webhook deploy integration subscription db",
  "database app",
);
/** `KEY` after one of these is a name of something. */
const KEY_PLAIN = wordSet("public primary foreign sort partition cache range row object index hot group map");
/** A name that ends in one of these speaks about a credential and does not hold it. */
const ABOUT = wordSet(
  "file path dir directory folder name type kind count limit length len size ttl expiry expires",
  "expiration timeout lifetime duration version format policy required enabled disabled prefix",
  "suffix header field column stdin ring algorithm alg provider manager store arn ref reference",
  "rotation usage budget index env mode host port user username list sock socket endpoint hint id",
  "method min max class validator helper fd serializer engine backend driver module",
);
/** Names of the working directory, which end like a password. */
const DIRECTORIES = wordSet("pwd oldpwd");

/** The words of a name, lower case: `AWS_SECRET_KEY`, `apiKey` and `X-Auth-Token` fall apart alike. */
export function wordsOfName(name: string): readonly string[] {
  const words: string[] = [];
  let start = 0;
  const cut = (end: number): void => {
    let stop = end;
    while (stop > start && isDigit(name.charCodeAt(stop - 1))) stop -= 1;
    if (stop > start) words.push(name.slice(start, stop).toLowerCase());
  };
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    const before = name.charCodeAt(i - 1);
    if (!isAlnum(code) && code < 0xc0) {
      cut(i);
      start = i + 1;
    } else if (i > start && isUpper(code) && (!isUpper(before) || isLower(name.charCodeAt(i + 1)))) {
      cut(i);
      start = i;
    }
  }
  cut(name.length);
  return words;
}

function singular(word: string): string {
  return word.length > 4 && word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

function classOfWord(word: string): NameClass {
  if (PASSWORDS.has(word)) return "password";
  if (SECRETS.has(word)) return "secret";
  if (LIKELY.has(word)) return "likely";
  const end = ENDS.find((candidate) => word.length > candidate.length && word.endsWith(candidate));
  return end === undefined ? "none" : end.startsWith("pass") || end === "pwd" ? "password" : "secret";
}

const ORDER: readonly NameClass[] = ["none", "likely", "secret", "password"];

/**
 * What a name says about the value beside it, by its words: a part of a word (`keynote`,
 * `author`, `certified`) says nothing. A name it cannot place is `none`.
 */
export function classOfName(name: string): NameClass {
  const words = wordsOfName(name).map(singular);
  const last = words.at(-1);
  if (last === undefined) return "none";
  if (words.length === 1 && DIRECTORIES.has(last)) return "none";
  let best: NameClass = "none";
  words.forEach((word, index) => {
    let here = classOfWord(word);
    const before = words[index - 1] ?? "";
    if (word === "key" && KEY_OWNERS.has(before)) here = "secret";
    if (word === "key" && KEY_PLAIN.has(before)) here = "none";
    if (word === "pass" && index > 0) here = "password";
    if (word === "string" && before === "connection") here = "likely";
    if ((word === "url" || word === "uri") && (before === "db" || before === "database")) here = "likely";
    if (ORDER.indexOf(here) > ORDER.indexOf(best)) best = here;
  });
  // `secret_id` is one half of a credential; `token_type`, `password_file`, `key_id` are not.
  if (words.length > 1 && ABOUT.has(last))
    return last === "id" && words.at(-2) === "secret" ? "likely" : "none";
  if (words.includes("public")) return "none";
  return best;
}

/** True for `DB_KEY` and `NPM_AUTH`, as environments and settings files spell names. */
export function isEnvironmentStyle(name: string): boolean {
  return name === name.toUpperCase() || name.includes("_");
}
