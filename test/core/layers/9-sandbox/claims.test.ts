import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimsIn } from "../../../../src/core/layers/9-sandbox/claims.ts";

const paths = (text: string): readonly string[] =>
  claimsIn(text).flatMap((claim) => (claim.kind === "path" ? [`${claim.errno} ${claim.path}`] : []));

describe("a path that a program says it was refused", () => {
  it.each([
    ["bash", "/usr/bin/bash: line 1: /home/u/.bashrc: Read-only file system", ["EROFS /home/u/.bashrc"]],
    ["bash, a relative name", "bash: line 3: ../x: Read-only file system", ["EROFS ../x"]],
    ["dash", "sh: 1: cannot create /home/u/x: Read-only file system", ["EROFS /home/u/x"]],
    ["touch", "touch: cannot touch '/home/u/new file': Read-only file system", ["EROFS /home/u/new file"]],
    ["mkdir", "mkdir: cannot create directory ‘/home/u/d’: Read-only file system", ["EROFS /home/u/d"]],
    ["cat", "cat: /etc/shadow: Permission denied", ["EACCES /etc/shadow"]],
    ["mv", "mv: cannot move 'a' to '/home/u/b': Invalid cross-device link", ["EXDEV /home/u/b"]],
    ["rm", "rm: cannot remove '.git/hooks': Device or resource busy", ["EBUSY .git/hooks"]],
    ["python", "OSError: [Errno 30] Read-only file system: '/home/u/note'", ["EROFS /home/u/note"]],
    ["python", "PermissionError: [Errno 13] Permission denied: '/etc/shadow'", ["EACCES /etc/shadow"]],
    ["node", "Error: EROFS: read-only file system, open '/home/u/x'", ["EROFS /home/u/x"]],
    [
      "node, two paths",
      "Error: EXDEV: cross-device link not permitted, rename '/w/a' -> '/home/u/b'",
      ["EXDEV /w/a", "EXDEV /home/u/b"],
    ],
    ["npm", "npm error path /home/u/.npm/_cacache\nnpm error code EROFS", []],
    [
      "npm",
      "npm error EROFS: read-only file system, mkdir '/home/u/.npm/_cacache/tmp'",
      ["EROFS /home/u/.npm/_cacache/tmp"],
    ],
    [
      "git",
      "error: could not lock config file /home/u/.gitconfig: Read-only file system",
      ["EROFS /home/u/.gitconfig"],
    ],
    [
      "git",
      "fatal: Unable to create '/w/.git/index.lock': Read-only file system",
      ["EROFS /w/.git/index.lock"],
    ],
    ["git", "error: could not write config file .git/config: Device or resource busy", ["EBUSY .git/config"]],
    ["go", "open /home/u/go/pkg/x: read-only file system", ["EROFS /home/u/go/pkg/x"]],
    ["go", "mkdir /home/u/.cache/go-build: read-only file system", ["EROFS /home/u/.cache/go-build"]],
    [
      "cargo",
      "error: failed to write `/home/u/.cargo/registry/x`\n\nCaused by:\n  Read-only file system (os error 30)",
      ["EROFS /home/u/.cargo/registry/x"],
    ],
    [
      "java",
      'Exception in thread "main" java.io.FileNotFoundException: /home/u/x (Read-only file system)',
      ["EROFS /home/u/x"],
    ],
    ["java", "java.nio.file.FileSystemException: /home/u/y: Read-only file system", ["EROFS /home/u/y"]],
    ["colours", "\u001b[31mcat: /etc/shadow: \u001b[1mPermission denied\u001b[0m", ["EACCES /etc/shadow"]],
  ])("%s: %s", (_program, text, expected) => expect(paths(text)).toEqual(expected));

  it("is told to be written, or to be made as a directory", () => {
    expect(claimsIn("mkdir: cannot create directory ‘/d’: Permission denied")).toMatchObject([
      { writing: true, directory: true },
    ]);
    expect(claimsIn("cat: /d: Permission denied")).toMatchObject([{ writing: false, directory: false }]);
  });

  it.each([
    ["all is well"],
    ["ok: 3 tests passed"],
    ["Permission denied (publickey)."],
    ["error: Read-only file system"],
  ])("is none in: %s", (text) => expect(claimsIn(text)).toEqual([]));
});

describe("a host that a program says it could not reach", () => {
  it.each([
    ["curl: (6) Could not resolve host: example.com"],
    ["wget: unable to resolve host address ‘example.com’"],
    ["fatal: unable to access 'https://example.com/x.git/': Could not resolve host: example.com"],
    ["ssh: Could not resolve hostname example.com: Temporary failure in name resolution"],
    ["Error: getaddrinfo EAI_AGAIN example.com"],
    [
      "npm error network request to https://example.com/left failed, reason: getaddrinfo ENOTFOUND example.com",
    ],
    ["dial tcp: lookup example.com on [::1]:53: read udp: connection refused"],
    ["java.net.UnknownHostException: example.com"],
    ["HTTPSConnectionPool(host='example.com', port=443): Max retries exceeded"],
    ["Temporary failure resolving 'example.com'"],
    ["failed to fetch https://user:secret@example.com/x: Temporary failure in name resolution"],
  ])("%s", (text) => expect(claimsIn(text)).toEqual([{ kind: "host", host: "example.com" }]));

  it.each([
    ["connect ENETUNREACH 192.0.2.7:443 - Local (0.0.0.0:0)"],
    ["curl: (7) Failed to connect to 192.0.2.7 port 443 after 0 ms: Couldn't connect to server"],
    ["dial tcp 192.0.2.7:443: connect: network is unreachable"],
  ])("%s", (text) => expect(claimsIn(text)).toEqual([{ kind: "host", host: "192.0.2.7" }]));

  it("has no name where the program gives none", () =>
    expect(claimsIn("OSError: [Errno 101] Network is unreachable")).toEqual([
      { kind: "host", host: undefined },
    ]));
});

it.each([
  ["unshare: unshare failed: Operation not permitted", "namespace"],
  ["mount: /mnt: permission denied.", "namespace"],
  ["bwrap: No permissions to create new namespace", "namespace"],
  ["[1:1:FATAL] No usable sandbox!", "namespace"],
  ["sudo: effective uid is not 0, is /usr/bin/sudo on a file system with the 'nosuid' option set?", "exec"],
  ['sudo: The "no new privileges" flag is set', "exec"],
])("%s: %s", (text, kind) => expect(claimsIn(text)).toEqual([{ kind }]));

describe("whatever a command prints", () => {
  it("is looked at in bounded time and size", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        for (const claim of claimsIn(text)) if (claim.kind === "path") expect(claim.path).not.toContain("\n");
      }),
    );
    const many = Array.from({ length: 1_000 }, (_, at) => `cat: /x/${at}: Permission denied`).join("\n");
    expect(claimsIn(many)).toHaveLength(40);
    for (const nasty of ["'", "/", ": ", "EAI_AGAIN ", "dial tcp ", "connecting to a", "‘", "unshare "])
      expect(() => claimsIn(`${nasty.repeat(20_000)}Permission denied`)).not.toThrow();
  });
  it("counts only near the end", () => {
    const text = `cat: /early: Permission denied\n${"x\n".repeat(20_000)}cat: /late: Permission denied`;
    expect(paths(text)).toEqual(["EACCES /late"]);
  });
});
