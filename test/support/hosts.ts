import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A machine of its own, as far as the network and its name tell; nothing but the network leads to it. */
export type Host = {
  readonly name: string;
  readonly address: string;
  /** The program and its arguments that run there what follows them; that ends with us. */
  readonly before: readonly string[];
  /** Takes its cable out: nothing is refused, nobody is told, nothing arrives. */
  readonly unplug: () => void;
  readonly plug: () => void;
};

export type Hosts = {
  /** At which we are reached from each of them. */
  readonly address: string;
  readonly hosts: readonly Host[];
  /** With all processes there; a second time does nothing. */
  readonly remove: () => void;
};

const PROGRAMS = [
  ["ip", "iproute2"],
  ["unshare", "util-linux"],
  ["setpriv", "util-linux"],
  ["hostname", "hostname"],
] as const;
const CAPABILITIES = [
  ["CAP_NET_ADMIN", 12n],
  ["CAP_SYS_ADMIN", 21n],
] as const;
/** Sets the name of the machine, then becomes the program. */
const AS = 'hostname "$0" && exec "$@"';
const SIGNALS = [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const;
let made = 0;

/** What lacks here for hosts of their own, and how to get it. Empty when nothing does. */
export function missingForHosts(): readonly string[] {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const programs = PROGRAMS.filter(([name]) => !folders.some((folder) => existsSync(join(folder, name))));
  const capabilities = CAPABILITIES.filter(([, bit]) => ((effective() >> bit) & 1n) === 0n);
  const named = (list: readonly (readonly [string, unknown])[]) => list.map(([name]) => name).join(", ");
  return [
    ...(programs.length > 0
      ? [
          `Not installed: ${named(programs)}. Run: apt-get install -y ${[...new Set(programs.map(([, from]) => from))].join(" ")}`,
        ]
      : []),
    ...(capabilities.length > 0
      ? [
          `Missing: ${named(capabilities)}. Run as root: sudo npm run test:members (in a container: docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN)`,
        ]
      : []),
  ];
}

/** The capabilities of this process; none where the system has no such thing. */
function effective(): bigint {
  if (!existsSync("/proc/self/status")) return 0n;
  return BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`);
}

/**
 * Makes a network of hosts: each has a network namespace of its own, on one bridge with us. They go when they are
 * removed, when this process ends, and at the latest when the next ones are made. Throws when something is missing.
 */
export function startHosts(names: readonly string[]): Hosts {
  const missing = missingForHosts();
  if (missing.length > 0)
    throw new Error(`Hosts with a network of their own cannot be made.\n${missing.join("\n")}`);
  removeLeft((pid) => !isAlive(pid));
  const id = `${process.pid}-${made++}`;
  const bridge = `hqb${id}`;
  const net = freeNetwork();
  const address = `${net}.1`;
  let isRemoved = false;
  const remove = () => {
    if (isRemoved) return;
    isRemoved = true;
    process.off("exit", remove);
    for (const [signal, listener] of onSignal) process.off(signal, listener);
    removeLeft((_, of) => of === id);
  };
  // Told to end, we leave by `exit`, and whatever else waits for that is done too.
  const onSignal = SIGNALS.map(([signal, code]) => [signal, () => process.exit(code)] as const);
  for (const [signal, listener] of onSignal) process.once(signal, listener);
  process.once("exit", remove);
  try {
    ip("link", "add", bridge, "type", "bridge");
    ip("addr", "add", `${address}/24`, "dev", bridge);
    ip("link", "set", bridge, "up");
    return { address, hosts: names.map((name, n) => addHost({ name, n, id, bridge, net })), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function addHost(given: {
  readonly name: string;
  readonly n: number;
  readonly id: string;
  readonly bridge: string;
  readonly net: string;
}): Host {
  const { name, n, id, bridge, net } = given;
  const space = `hq-${id}-${name}`;
  const cable = `hqv${id}-${n}`;
  const address = `${net}.${n + 2}`;
  ip("netns", "add", space);
  ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space);
  ip("link", "set", cable, "master", bridge, "up");
  ip("-n", space, "link", "set", "lo", "up");
  ip("-n", space, "addr", "add", `${address}/24`, "dev", "eth0");
  ip("-n", space, "link", "set", "eth0", "up");
  const there = ["ip", "netns", "exec", space, "unshare", "--uts", "sh", "-c", AS, name];
  return {
    name,
    address,
    before: ["setpriv", "--pdeathsig", "KILL", ...there],
    unplug: () => void ip("link", "set", cable, "down"),
    plug: () => void ip("link", "set", cable, "up"),
  };
}

function ip(...args: readonly string[]): string {
  try {
    return execFileSync("ip", [...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (cause) {
    const { stderr = "" } = cause as { stderr?: string };
    const isUnknown = /Unknown device type|not supported/.test(stderr);
    const hint = isUnknown ? " The kernel lacks bridges or veth. Run: modprobe -a bridge veth" : "";
    throw new Error(`ip ${args.join(" ")}: ${stderr.trim()}${hint}`, { cause });
  }
}

/** The first three numbers of a network that nobody here has. */
function freeNetwork(): string {
  const taken = ip("-o", "-4", "addr");
  for (let n = 0; n < 256; n++) {
    const net = `10.232.${(process.pid + n) % 256}`;
    if (!taken.includes(` ${net}.`)) return net;
  }
  throw new Error("all networks of 10.232.0.0/16 are taken here; remove some: ip link show type bridge");
}

/** Removes hosts, their processes and cables by whose they are. */
function removeLeft(isToGo: (pid: number, id: string) => boolean): void {
  const fits = (pattern: RegExp) => (name: string) => {
    const [, id, pid] = pattern.exec(name) ?? [];
    return id !== undefined && isToGo(Number(pid), id);
  };
  const spaces = ip("netns", "list").split("\n").map(firstWord);
  for (const space of spaces.filter(fits(/^hq-((\d+)-\d+)-/))) {
    for (const pid of ip("netns", "pids", space).split("\n")) if (pid !== "") end(Number(pid));
    ip("netns", "delete", space);
  }
  // Of a cable both ends go at once, also with the namespace of its other end, which may take a moment.
  for (const link of links().filter(fits(/^hq[bv]((\d+)-\d+)/))) {
    try {
      ip("link", "delete", link);
    } catch (error) {
      if (links().includes(link)) throw error;
    }
  }
}

function links(): readonly string[] {
  const shown = ip("-o", "link").split("\n");
  return shown.map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? "");
}

const firstWord = (line: string) => line.split(" ")[0] ?? "";

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
