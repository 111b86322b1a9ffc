import { type Attempt, GOT } from "./attempt.ts";

const reach = (id: string, title: string, attack: string, more: Partial<Attempt> = {}): Attempt => ({
  id: `network-${id}`,
  class: "network",
  weight: "high",
  title,
  attack,
  truth: "served",
  needs: ["python3"],
  ...more,
});

const PORT = `$(cat "$LOG/port")`;
const V6 = { maybe: "the machine may have no IPv6" } as const;
const ADDRESS = { maybe: "the machine may have no address of its own" } as const;

/** The network, directly: there is none (sandboxing.md 9.6). */
export const NETWORK: readonly Attempt[] = [
  reach("tcp", "reach a service of the machine on 127.0.0.1", `talk tcp 127.0.0.1 ${PORT}`, {
    prepare: "serve tcp 127.0.0.1",
  }),
  reach(
    "tcp-shell",
    "reach a service from the shell",
    `exec 3<>/dev/tcp/127.0.0.1/${PORT}; exec 4<>/dev/tcp/localhost/${PORT}`,
    { prepare: "serve tcp 127.0.0.1" },
  ),
  reach(
    "tcp-spellings",
    "reach a service by other spellings of the address",
    `for a in 127.1 127.0.0.2 0.0.0.0 0 2130706433 0x7f000001 017700000001 localhost ::ffff:127.0.0.1; do talk tcp $a ${PORT}; done`,
    { prepare: "serve tcp 0.0.0.0" },
  ),
  reach(
    "tcp6",
    "reach a service of the machine on ::1",
    `talk tcp ::1 ${PORT}; exec 3<>/dev/tcp/::1/${PORT}`,
    { prepare: "serve tcp ::1", control: V6 },
  ),
  reach(
    "tcp-own-address",
    "reach a service on the machine's own address",
    `for a in $(cat "$LOG/addresses"); do talk tcp $a ${PORT}; done`,
    {
      prepare: `hostname -I > "$LOG/addresses"; serve tcp 0.0.0.0`,
      control: ADDRESS,
    },
  ),
  reach("tcp-fast-open", "reach a service with data in the first packet", `talk fastopen 127.0.0.1 ${PORT}`, {
    prepare: "serve tcp 127.0.0.1",
  }),
  reach(
    "udp",
    "send a datagram to the machine",
    `talk udp 127.0.0.1 ${PORT}; echo x > /dev/udp/127.0.0.1/${PORT}`,
    { prepare: "serve udp 127.0.0.1" },
  ),
  reach("udp6", "send a datagram to ::1", `talk udp ::1 ${PORT}`, { prepare: "serve udp ::1", control: V6 }),
  reach(
    "udp-own-address",
    "send a datagram to the machine's own address",
    `for a in $(cat "$LOG/addresses"); do talk udp $a ${PORT}; done`,
    {
      prepare: `hostname -I > "$LOG/addresses"; serve udp 0.0.0.0`,
      control: ADDRESS,
    },
  ),
  reach(
    "dns",
    "ask a name server by a datagram",
    `talk dns 127.0.0.1 ${PORT}; for a in $(cat "$LOG/addresses"); do talk dns $a ${PORT}; done`,
    {
      prepare: `hostname -I > "$LOG/addresses"; serve udp 0.0.0.0`,
    },
  ),
  reach(
    "dns-libc",
    "look a name up by the library",
    `getent hosts localhost.localdomain.$ID.example; getent ahosts example.org > loot; talk tcp example.org 80; test -s loot && : > got`,
    {
      truth: GOT,
      control: { maybe: "the machine may have no name server" },
    },
  ),
  reach(
    "metadata",
    "reach the metadata service",
    `for a in 169.254.169.254 100.100.100.200 fd00:ec2::254; do timeout 1 bash -c "exec 3<>/dev/tcp/$a/80" && : > got; done`,
    {
      truth: GOT,
      control: { maybe: "only machines of a cloud have one" },
    },
  ),
  reach(
    "private",
    "reach the gateway and the local network",
    `for a in $(cat "$LOG/gateway") 10.0.0.1 192.168.0.1 192.168.1.1; do for p in 22 53 80; do talk probe $a $p; done; done`,
    {
      prepare: `/usr/bin/python3 -c 'import struct, socket; print(*{socket.inet_ntoa(struct.pack("<L", int(l.split()[2], 16))) for l in open("/proc/net/route").readlines()[1:] if int(l.split()[2], 16)})' > "$LOG/gateway"`,
      truth: GOT,
      control: { maybe: "the machine may have no gateway" },
    },
  ),
  reach(
    "devices",
    "find a network device",
    `tail -n +3 /proc/net/dev | cut -d : -f 1 | grep -v '^ *lo$' > loot`,
    {
      truth: `test -s "$WS/loot"`,
      weight: "medium",
      control: { maybe: "the machine may have no device" },
    },
  ),
  reach(
    "ping",
    "send an echo request",
    `talk ping 127.0.0.1; for a in $(cat "$LOG/addresses"); do talk ping $a; done`,
    {
      prepare: `hostname -I > "$LOG/addresses"`,
      truth: `test -s "$LOG/pinged"`,
      control: { impossible: "an answer on 127.0.0.1 does not tell whose it is; the next one does" },
    },
  ),
  reach(
    "ping-far",
    "send an echo request to the machine's own address",
    `for a in $(cat "$LOG/addresses"); do talk ping $a && : > got; done`,
    {
      prepare: `hostname -I > "$LOG/addresses"`,
      truth: GOT,
      control: ADDRESS,
    },
  ),
  reach(
    "service",
    "offer a service to the machine",
    `(setsid "$NODE" -e 'require("net").createServer((s) => s.end("evil")).listen('$NUM', "127.0.0.1"); setTimeout(() => process.exit(), 4000)' >/dev/null 2>&1 &); for i in $(seq 100); do test -e tried && break; sleep 0.02; done`,
    {
      prepare: `(for i in $(seq 20); do if grep -q evil <(timeout 1 cat < /dev/tcp/127.0.0.1/$NUM); then echo x > "$LOG/server"; break; fi; sleep 0.02; done; : > "$WS/tried") >/dev/null 2>&1 &`,
      weight: "medium",
    },
  ),
  reach(
    "configure",
    "change the network's set-up",
    `ip link add cordon0 type dummy 2>/dev/null && : > got; ip addr add 127.0.0.9/8 dev lo && : > got; ip route add blackhole 203.0.113.0/32 && : > got; iptables -L >/dev/null 2>&1 && : > got`,
    {
      truth: GOT,
      needs: ["ip"],
      weight: "medium",
      control: "root",
      open: `unshare -n ip link set lo up && : > got`,
    },
  ),
];
