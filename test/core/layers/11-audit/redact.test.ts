import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact, redactKnown, WINDOW } from "../../../../src/core/layers/11-audit/redact.ts";
import { exampleOf, SHAPES } from "../../../../src/core/layers/11-audit/shapes.ts";

/** Text with the secret as `@@`, the secret, and the text expected. */
const SECRETS: readonly (readonly [string, string, string])[] = [
  ["export GITHUB_TOKEN=@@", "abc", "export GITHUB_TOKEN=[redacted:secret]"],
  ["TOKEN=@@ make deploy", "hunter2", "TOKEN=[redacted:secret] make deploy"],
  ["PGPASSWORD=@@ psql -h db", "hunter2", "PGPASSWORD=[redacted:password] psql -h db"],
  ["PASSWORD='@@' cmd", "two words", "PASSWORD='[redacted:password]' cmd"],
  ['PASSWORD="@@" cmd', "a;b|c", 'PASSWORD="[redacted:password]" cmd'],
  ["MYSQL_PWD=@@ mysql", "12345", "MYSQL_PWD=[redacted:password] mysql"],
  ["tool --password=@@ x", "p/a,s", "tool --password=[redacted:password] x"],
  ["tool --password @@ x", "hunter2", "tool --password [redacted:password] x"],
  ["tool --api-key @@ x", "k1", "tool --api-key [redacted:secret] x"],
  ["tool --client-secret '@@'", "s p", "tool --client-secret '[redacted:secret]'"],
  ["java -Dpassword=@@ -jar x", "hunter2", "java -Dpassword=[redacted:password] -jar x"],
  ["java -Ddb.password=@@ -jar x", "hunter2", "java -Ddb.password=[redacted:password] -jar x"],
  ["mysql -uroot -p@@ db", "hunter2", "mysql -uroot -p[redacted:password] db"],
  ["mysql -uroot -p'@@' db", "hun ter", "mysql -uroot -p'[redacted:password]' db"],
  ['mysql "-p@@" db', "hun ter", 'mysql "[redacted:password]" db'],
  ["docker exec db mysqldump -p@@ --all", "hunter2", "docker exec db mysqldump -p[redacted:password] --all"],
  ["curl -u bob:@@ https://x.example", "hunter2", "curl -u bob:[redacted:password] https://x.example"],
  ["curl -sSu bob:@@ https://x.example", "hunter2", "curl -sSu bob:[redacted:password] https://x.example"],
  ["curl -ubob:@@ https://x.example", "hunter2", "curl -ubob:[redacted:password] https://x.example"],
  ['curl --user "bob:@@" x', "hun ter", 'curl --user "bob:[redacted:password]" x'],
  ["curl --user=bob:@@ x", "hunter2", "curl --user=bob:[redacted:password] x"],
  ["curl -b sid=@@ x", "abcdef", "curl -b sid=[redacted:password] x"],
  [
    'curl -H "Authorization: Bearer @@" x',
    "abc",
    'curl -H "Authorization: Bearer [redacted:authorization]" x',
  ],
  ["curl -H 'authorization: @@' x", "abc def", "curl -H 'authorization: [redacted:authorization]' x"],
  [
    "curl -H 'Authorization: Basic @@' x",
    "Ym9iOnB3",
    "curl -H 'Authorization: Basic [redacted:authorization]' x",
  ],
  ["curl -H 'X-Api-Key: @@' x", "abc1", "curl -H 'X-Api-Key: [redacted:secret]' x"],
  ["curl -H 'PRIVATE-TOKEN: @@' x", "abc1", "curl -H 'PRIVATE-TOKEN: [redacted:secret]' x"],
  ["curl -H 'Cookie: @@' x", "a=b; c=d", "curl -H 'Cookie: [redacted:cookie]' x"],
  ["echo Bearer @@", "a1b2c3d4e5f6", "echo Bearer [redacted:bearer]"],
  [
    "git clone https://bob:@@@github.example/x",
    "hunter2",
    "git clone https://bob:[redacted:url-password]@github.example/x",
  ],
  [
    "git clone https://bob:@@@github.example/x",
    "pa/ss#w",
    "git clone https://bob:[redacted:url-password]@github.example/x",
  ],
  [
    "git clone https://@@@github.example/x",
    "a1b2c3d4e5f6g7h8i9j0",
    "git clone https://[redacted:url-user]@github.example/x",
  ],
  [
    "psql postgres://u:@@@h:5432/db?x=1",
    "hunter2",
    "psql postgres://u:[redacted:url-password]@h:5432/db?x=1",
  ],
  [
    "curl 'https://x.example/?token=@@&page=2'",
    "abc",
    "curl 'https://x.example/?token=[redacted:secret]&page=2'",
  ],
  [
    `curl -d '{"user":"bob","password":"@@"}' x`,
    "a, b",
    `curl -d '{"user":"bob","password":"[redacted:password]"}' x`,
  ],
  ['curl -d "{\\"password\\":\\"@@\\"}" x', "a b", 'curl -d "{\\"password\\":\\"[redacted:password]\\"}" x'],
  ["curl -d '{password: @@, user: bob}' x", "abc", "curl -d '{password: [redacted:password], user: bob}' x"],
  ["docker run -e 'DB_PASSWORD=@@' img", "two words", "docker run -e 'DB_PASSWORD=[redacted:password]' img"],
  [
    "docker login -u bob -p @@ registry.example",
    "hunter2",
    "docker login -u bob -p [redacted:password] registry.example",
  ],
  ["sshpass -p@@ ssh host", "hunter2", "sshpass -p[redacted:password] ssh host"],
  ["redis-cli -h x -a @@ ping", "hunter2", "redis-cli -h x -a [redacted:password] ping"],
  ["openssl rsa -passin pass:@@ -in k", "hunter2", "openssl rsa -passin pass:[redacted:password] -in k"],
  ["smbclient //h/s -U bob%@@", "hunter2", "smbclient //h/s -U bob%[redacted:password]"],
  ["echo @@ | sudo -S apt update", "hunter2", "echo [redacted:input] | sudo -S apt update"],
  ["echo 'root:@@' | chpasswd", "hunter2", "echo '[redacted:input]' | chpasswd"],
  ["docker login --password-stdin <<< @@", "hunter2", "docker login --password-stdin <<< [redacted:input]"],
  [
    "aws configure set aws_secret_access_key @@",
    "abc/def",
    "aws configure set aws_secret_access_key [redacted:secret]",
  ],
  [
    "npm config set //r.example/:_authToken @@",
    "abc",
    "npm config set //r.example/:_authToken [redacted:secret]",
  ],
  ["vault login @@", "abcdef", "vault login [redacted:secret]"],
  [
    "kubectl create secret generic x --from-literal=k=@@",
    "v1",
    "kubectl create secret generic x --from-literal=k=[redacted:password]",
  ],
  ["htpasswd -nb bob @@", "hunter2", "htpasswd -nb bob [redacted:password]"],
  ['bash -c "mysql -p@@ db"', "hunter2", 'bash -c "mysql -p[redacted:password] db"'],
  [`ssh h 'TOKEN=@@ ./run'`, "abc", `ssh h 'TOKEN=[redacted:secret] ./run'`],
  [
    "cat > .env <<EOF\nDB_PASSWORD=@@\nPORT=80\nEOF",
    "hunter2",
    "cat > .env <<EOF\nDB_PASSWORD=[redacted:password]\nPORT=80\nEOF",
  ],
  [
    "cat > c.yml <<EOF\ndon't\n  password: '@@'\nEOF",
    "hunter2",
    "cat > c.yml <<EOF\ndon't\n  password: '[redacted:password]'\nEOF",
  ],
  [
    "cat > c.yml <<EOF\npassword: @@\nEOF",
    "swordfish",
    "cat > c.yml <<EOF\npassword: [redacted:password]\nEOF",
  ],
  ["echo ${TOKEN:-@@}", "abcdef", "echo ${TOKEN:-[redacted:secret]}"],
  [
    "az x --connection-string 'AccountName=a;AccountKey=@@;E=b'",
    "abc==",
    "az x --connection-string 'AccountName=a;AccountKey=[redacted:secret];E=b'",
  ],
  ["the key: token is @@", "4eC39HqLyjWDarjtT1zdp7dcqT5mkZpA0x", "the key: token is [redacted:random]"],
  ["deploy --thing=@@", "4eC39HqLyjWDarjtT1zdp7dcqT5mkZpA0x", "deploy --thing=[redacted:random]"],
  ["TOKEN=a'@@'c", "b", "TOKEN=[redacted:secret]"],
];

/** What must stay as it is. */
const PLAIN: readonly string[] = [
  "ls -la src",
  "git commit -m 'auth: add login' && git push origin main",
  "git commit -m 'fix token: handle expiry'",
  "git log --author=bob --format='%H %an'",
  "git show origin/sessions:ab/cdef0123456789/full.jsonl",
  "git checkout 0123456789abcdef0123456789abcdef01234567",
  "git clone git@github.example:a/b.git && git clone ssh://git@github.example/a/b",
  "grep -rn 'password=' src | head",
  'grep -rn "token=" src',
  'grep -rE "(api_key|secret)=[\'\\"][a-z]+" .',
  "sort --key=2,3 file.txt",
  "mkdir -p a/b && ssh -p 22 host && docker run -p 80:80 nginx",
  "mysql -p db && mysql -P 3306",
  'curl -u "$USER:$PASS" https://x.example:8080/path@2',
  'curl -H "Authorization: Bearer $TOKEN" x',
  'curl -H "Authorization: Bearer ${TOKEN}" x',
  "export TOKEN=$(op read op://vault/x)",
  'TOKEN=$TOKEN PASSWORD="$PASSWORD" make',
  "PWD=/tmp OLDPWD=/var make",
  "PASSWORD_FILE=/run/secrets/x TOKEN_PATH=~/.token cmd",
  "SSH_AUTH_SOCK=/tmp/agent.1 ssh host",
  "MAX_TOKENS=4096 python run.py --max-tokens 512 --token-limit=100",
  "npm run token:refresh && docker pull app-secret:latest",
  "gh auth login --with-token < file",
  "docker build --secret id=npmrc,src=.npmrc .",
  "kubectl get secret my-secret -o yaml",
  "vault token lookup && aws secretsmanager get-secret-value --secret-id my/secret",
  "python -c 'token = get_token(); password = os.environ[\"X\"]'",
  "node -e 'const secret = process.env.SECRET'",
  "const author = 'bob'; keynote: 'x'; certified: true",
  "curl -sSfL --key client.pem --cert client.crt https://x.example",
  "ssh-keygen -t ed25519 -f key && apt-key list",
  "sha256sum -c <<< 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  f'",
  "pip install x --hash=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "<script integrity=sha512-4eC39HqLyjWDarjtT1zdp7dcqT5mkZpA0x4eC39HqLyjWDarjtT1zdp7dcqT5mkZpA0x>",
  "ls risk-assessment-2024-final-version desk-abcdefghijklmnopqrstuvwxyz1",
  "python tests/runtests.py admin_inlines.tests.TestReadOnlyChangeViewInlinePermissions.test_main_model",
  "primary_key=True, foreign_key=2, public_key=abc",
  "echo done | sudo tee /etc/x",
  "grep -r -- '-----BEGIN RSA PRIVATE KEY-----' . | wc -l",
  "uuid=01234567-89ab-cdef-0123-456789abcdef",
];

describe("redact", () => {
  it.each(SECRETS)("%s", (template, secret, expected) => {
    const { text, found } = redact(template.replace("@@", secret));
    expect(text).toBe(expected);
    expect(found.some((value) => value.includes(secret))).toBe(true);
  });

  it.each(PLAIN)("keeps: %s", (text) => {
    expect(redact(text)).toEqual({ text, found: [] });
  });

  it.each(SHAPES.map((shape) => [shape.kind, exampleOf(shape)] as const))(
    "knows a %s by its form",
    (_, example) => {
      for (const around of [`echo @@`, `echo "@@" x`, `x=(@@)`, `see @@.`, `a,@@,b`, `'@@'\n`]) {
        const out = redact(around.replace("@@", example)).text;
        expect(out).not.toContain(example);
        expect(out).toMatch(/\[redacted:[a-z0-9-]+\]/);
      }
      expect(redact(`echo ${example} tail`).text).toMatch(/^echo \[redacted:[a-z0-9-]+\] tail$/);
    },
  );

  it("takes a private key block whole", () => {
    const body = "MIIEowIBAAKCAQEA".repeat(4);
    for (const kind of ["RSA ", "OPENSSH ", "EC ", ""]) {
      const block = `-----BEGIN ${kind}PRIVATE KEY-----\n${body}\n${body}\n-----END ${kind}PRIVATE KEY-----`;
      expect(redact(`echo '${block}' > k`).text).toBe("echo '[redacted:private-key]' > k");
      expect(redact(`echo '${block.replaceAll("\n", "\\n")}' > k`).text).toBe(
        "echo '[redacted:private-key]' > k",
      );
    }
    expect(redact(`-----BEGIN RSA PRIVATE KEY-----\n${body}`).text).toBe("[redacted:private-key]");
  });

  it("takes the data of a Kubernetes secret", () => {
    const text =
      "kubectl apply -f - <<EOF\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  one: abc\n  two: |\n    def\ntype: Opaque\nEOF";
    expect(redact(text).text).toBe(
      "kubectl apply -f - <<EOF\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  one: [redacted:secret]\n  two: [redacted:secret]\n    [redacted:secret]\ntype: Opaque\nEOF",
    );
    expect(redact(text.replace("Secret", "ConfigMap")).found).toEqual([]);
  });

  it("drops what lies beyond the window", () => {
    const out = redact(`${"a ".repeat(WINDOW)} TOKEN=hunter2`).text;
    expect(out).not.toContain("hunter2");
    expect(out.length).toBeLessThan(WINDOW + 100);
  });

  it("finds the secrets of one text again in another", () => {
    const { found } = redact("mysql --password='hun ter2' -pabcd1 db");
    expect(redactKnown("`hun ter2` and hunter2, `abcd1` but not abcd12", found)).toBe(
      "`[redacted:repeated]` and hunter2, `[redacted:repeated]` but not abcd12",
    );
  });

  const word = fc.string({ unit: "grapheme-ascii", maxLength: 12 });
  const piece = fc.oneof(
    word,
    fc.constantFrom(...SECRETS.map(([template, secret]) => template.replace("@@", secret)), ...PLAIN),
    fc.constantFrom(
      "'",
      '"',
      "\\",
      " ",
      "=",
      ":",
      "token=",
      "password: ",
      "-p",
      "mysql ",
      "://",
      "@",
      "\n",
      "$(",
      "${",
      "[redacted:",
    ),
    fc.constantFrom(...SHAPES.map(exampleOf)),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));

  it("takes a secret out everywhere once it was recognised, and leaves ordinary words", () => {
    expect(redact("export TOKEN=abc123def; ./run abc123def").text).toBe(
      "export TOKEN=[redacted:secret]; ./run [redacted:repeated]",
    );
    expect(redact("PGPASSWORD=postgres psql -U postgres").text).toBe(
      "PGPASSWORD=[redacted:password] psql -U postgres",
    );
    expect(redact("TOKEN='rm -rf /srv/a1'; rm -rf /srv/a1").text).toBe(
      "TOKEN='[redacted:secret]'; rm -rf /srv/a1",
    );
  });

  it("never throws, and changes nothing where it found nothing", () => {
    fc.assert(
      fc.property(text, (input) => {
        const once = redact(input);
        if (once.found.length === 0) expect(once.text).toBe(input);
        else expect(once.text).toContain("[redacted:");
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves nothing of a token of a known form, whatever stands around it", () => {
    const shaped = fc.constantFrom(...SHAPES);
    fc.assert(
      fc.property(text, shaped, text, (before, shape, after) => {
        expect(redact(`${before} ${exampleOf(shape)} ${after}`).text).not.toContain(exampleOf(shape));
      }),
      { numRuns: 2000 },
    );
  });

  it("stays linear on hostile texts", () => {
    const units = [
      [
        "x=",
        "token=",
        "key=/",
        "token:$ ",
        "cookie:.* ",
        "://a:",
        "://",
        "${A:-",
        "=$(",
        'a="',
        'a=\\"',
        "'",
        '"',
        "\\",
      ],
      [
        "-p ",
        "mysql -p$ ",
        "eyJ",
        "ey",
        "sk-",
        "xoxb-",
        "eyJ.",
        ".",
        ":A",
        "Q~",
        "1:A",
        "-----BEGIN PRIVATE KEY",
        "PRIVATE KEY-----",
      ],
      [
        "kind: Secret\ndata:\n",
        "bearer ",
        "echo a | sudo -S ",
        "token a1",
        "a1B2",
        "authorization: $",
        "<<< ",
        "(",
        "`",
        "|",
      ],
    ].flat();
    for (const unit of units) {
      const long = unit.repeat(Math.ceil(WINDOW / unit.length));
      // Backtracking would take minutes here: the test's own limit of time is what fails it.
      expect(redact(long).text.length, unit).toBeGreaterThan(0);
    }
  });
});
