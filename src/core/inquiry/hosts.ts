/** What an address is, judged by its name alone; the network boundary judges it again once it is resolved. */
export type AddressKind = "public" | "private" | "metadata";

/** Lower case, one trailing dot dropped. */
export function canonicalHost(host: string): string {
  return host.trim().toLowerCase().replace(/\.$/, "");
}

const METADATA: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "metadata.google.internal",
  "metadata",
  "instance-data",
  "metadata.azure.com",
  "metadata.packet.net",
]);

/** Judges a canonical host (IPv4 in dotted form, IPv6 in brackets, names in punycode). */
export function addressKind(host: string): AddressKind {
  if (METADATA.has(host)) return "metadata";
  const v4 = ipv4(host);
  if (v4 !== undefined) return ipv4Kind(v4);
  if (host.startsWith("[")) return ipv6Kind(host.slice(1, -1));
  if (
    host === "localhost" ||
    /\.(?:localhost|local|internal|intranet|lan|home|corp|localdomain)$/.test(host) ||
    !host.includes(".")
  )
    return "private";
  return "public";
}

function ipv4(host: string): readonly number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host);
  return match === null ? undefined : match.slice(1).map(Number);
}

/** RFC 6890 and its successors: everything that is not global unicast. */
function ipv4Kind(bytes: readonly number[]): AddressKind {
  if (METADATA.has(bytes.join("."))) return "metadata";
  const [a = 0, b = 0, c = 0] = bytes;
  const isPrivate =
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 192 && b === 88 && c === 99) ||
    (a === 198 && (b === 18 || b === 19)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113);
  return isPrivate ? "private" : "public";
}

function ipv6Kind(text: string): AddressKind {
  const groups = expand(text);
  if (groups === undefined) return "private";
  const [a = 0, b = 0] = groups;
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return ipv4Kind(embedded);
  // Only 2000::/3 is global unicast; documentation, 6to4 and Teredo inside it are not.
  if ((a & 0xe000) !== 0x2000) return "private";
  return a === 0x2001 && (b === 0 || b === 0xdb8) ? "private" : "public";
}

/** The IPv4 address inside a mapped, compatible, translated (64:ff9b::/96) or 6to4 address. */
function embeddedIpv4(groups: readonly number[]): readonly number[] | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups;
  const bytes = (high: number, low: number): readonly number[] => [
    high >> 8,
    high & 255,
    low >> 8,
    low & 255,
  ];
  const zeros = a === 0 && b === 0 && c === 0 && d === 0;
  if (zeros && e === 0 && (f === 0xffff || f === 0) && !(f === 0 && g === 0)) return bytes(g, h);
  if (zeros && e === 0xffff && f === 0) return bytes(g, h);
  if (a === 0x64 && b === 0xff9b) return bytes(g, h);
  return a === 0x2002 ? bytes(b, c) : undefined;
}

function expand(text: string): readonly number[] | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const parse = (part: string): readonly number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const left = parse(head);
  const right = tail === undefined ? [] : parse(tail);
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => 0), ...right];
  return groups.every((group) => Number.isInteger(group) && group >= 0 && group <= 0xffff)
    ? groups
    : undefined;
}
