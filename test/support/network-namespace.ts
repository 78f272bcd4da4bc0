import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);
const NEEDED =
  "These tests need a second network: run them on Linux as root with iproute2 and curl (apt-get install iproute2 curl).";

/** What an agent on another machine is, as far as the network tells: its own addresses, and one wire to here. */
export type OtherHost = {
  /** Of this side and of the other side of the wire. */
  readonly here: string;
  readonly there: string;
  /** Runs a program over there; its standard output. `input` goes to its standard input. */
  readonly run: (program: string, args: readonly string[], input?: string) => Promise<string>;
  /** A gateway over there that takes every run and tells its messages, as they come. */
  readonly startGateway: () => Promise<{
    readonly url: string;
    readonly next: () => Promise<string>;
  }>;
  readonly remove: () => Promise<void>;
};

/** Makes a network namespace with a wire to it. Two tests at once have numbers of their own. */
export async function startOtherHost(number = process.pid % 4000): Promise<OtherHost> {
  const name = `hq-other-${number}`;
  const wire = `hqw${number}`;
  const net = `10.231.${number >> 4}`;
  const first = (number % 16) * 16;
  const [here, there] = [`${net}.${first + 1}`, `${net}.${first + 2}`];
  const ip = (...args: readonly string[]) => run("ip", [...args]);
  const children = new Set<ReturnType<typeof spawn>>();
  try {
    execFileSync("curl", ["--version"]);
    await ip("netns", "add", name);
    await ip("link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name);
    await ip("addr", "add", `${here}/28`, "dev", wire);
    await ip("link", "set", wire, "up");
    await ip("-n", name, "addr", "add", `${there}/28`, "dev", "eth0");
    await ip("-n", name, "link", "set", "eth0", "up");
  } catch (cause) {
    throw new Error(`${NEEDED} ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
  return {
    here,
    there,
    async run(program, args, input = "") {
      const child = spawn("ip", ["netns", "exec", name, program, ...args], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (part: Buffer) => {
        text += part.toString();
      });
      // A program that ends before it has read everything is no failure of ours.
      child.stdin.on("error", () => undefined);
      child.stdin.end(input);
      await once(child, "close");
      return text;
    },
    async startGateway() {
      const program = new URL("./other-gateway.ts", import.meta.url).pathname;
      const child = spawn("ip", ["netns", "exec", name, process.execPath, program, there], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      children.add(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async () => JSON.parse(String((await lines.next()).value)) as string;
      return { url: await next(), next };
    },
    async remove() {
      for (const child of children) {
        child.kill("SIGKILL");
        await once(child, "close");
      }
      await ip("link", "delete", wire);
      await ip("netns", "delete", name);
    },
  };
}
