import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { promisify } from "node:util";
import { type Host, startHosts } from "../support/hosts.ts";
import { ROOT } from "../support/supervisor.ts";

const HOSTS = JSON.stringify(join(ROOT, "test/support/hosts.ts"));
const MAKE = `import { startHosts } from ${HOSTS}; startHosts(["alpha"]);`;
const asProgram = (text: string) => ["--input-type=module-typescript", "-e", text];

/** What is left here of the hosts of a process. */
function leftOf(pid: number | undefined): readonly string[] {
  const list = (...args: readonly string[]) =>
    execFileSync("ip", [...args], { encoding: "utf8" }).split("\n");
  const ours = new RegExp(`\\bhq[bv]?-?${pid}-`);
  return [...list("netns", "list"), ...list("-o", "link")].filter((line) => ours.test(line));
}

/** A process with one host, that says so and stays. */
async function makerOfHosts() {
  const stays = `${MAKE} console.log("made"); setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, asProgram(stays), { stdio: ["ignore", "pipe", "inherit"] });
  await once(createInterface({ input: child.stdout }), "line");
  assert.equal(leftOf(child.pid).length, 3, "a namespace, a bridge and a cable");
  return child;
}

async function endBy(child: ReturnType<typeof spawn>, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

/** What a program prints that runs on a host. */
async function said({ before: [program = "", ...rest] }: Host, ...args: readonly string[]): Promise<string> {
  const child = spawn(program, [...rest, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (part: Buffer) => {
    text += part.toString();
  });
  await once(child, "close");
  return text.trim();
}

test("a host has its own name and its own network, reaches us by our address, and not while it is unplugged", async (t) => {
  const network = startHosts(["alpha", "beta"]);
  t.after(network.remove);
  const server = createServer(({ socket }, response) => response.end(socket.remoteAddress));
  server.listen(0, network.address);
  await once(server, "listening");
  t.after(() => promisify(server.close.bind(server))());
  const { port } = server.address() as AddressInfo;
  const ask = `fetch("http://${network.address}:${port}", { signal: AbortSignal.timeout(2000) })
    .then((answer) => answer.text()).then(console.log, ({ name }) => console.log(name))`;
  const [alpha, beta] = network.hosts as readonly [Host, Host];
  assert.equal(await said(alpha, "cat", "/proc/sys/kernel/hostname"), "alpha");
  assert.equal(await said(alpha, process.execPath, "-e", ask), alpha.address);
  alpha.unplug();
  assert.equal(await said(alpha, process.execPath, "-e", ask), "TimeoutError", "nobody refuses it");
  assert.equal(await said(beta, process.execPath, "-e", ask), beta.address);
  alpha.plug();
  assert.equal(await said(alpha, process.execPath, "-e", ask), alpha.address);
});

test("removed, hosts end their processes and leave nothing; so do hosts that could not all be made", async () => {
  const network = startHosts(["alpha"]);
  const [program = "", ...rest] = (network.hosts[0] as Host).before;
  const child = spawn(program, [...rest, "sh", "-c", "echo up; sleep 600 & wait"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(createInterface({ input: child.stdout }), "line");
  const ended = once(child, "close");
  network.remove();
  assert.deepEqual(await ended, [null, "SIGKILL"], "with what it had started, which holds its output open");
  assert.deepEqual(leftOf(process.pid), []);
  assert.throws(() => startHosts(["alpha", "not/a name"]), /ip netns add hq-\d+-\d+-not\/a name: /);
  assert.deepEqual(leftOf(process.pid), []);
});

test("whoever made hosts and is told to end removes them; of one that was killed the next one removes them", async () => {
  const told = await makerOfHosts();
  await endBy(told, "SIGTERM");
  assert.deepEqual(leftOf(told.pid), []);
  const killed = await makerOfHosts();
  await endBy(killed, "SIGKILL");
  assert.equal(leftOf(killed.pid).length, 3);
  startHosts(["alpha"]).remove();
  assert.deepEqual(leftOf(killed.pid), []);
});

test("a missing program or privilege fails and is named with what to do", () => {
  const without = ["--bounding-set=-net_admin,-sys_admin", "--inh-caps=-net_admin,-sys_admin"];
  const { status, stderr } = spawnSync(
    "setpriv",
    [...without, "env", "PATH=/nowhere", process.execPath, ...asProgram(MAKE)],
    { encoding: "utf8" },
  );
  assert.equal(status, 1);
  assert.match(stderr, /Not installed: ip, .*setpriv.*\. Run: apt-get install -y iproute2 util-linux/);
  assert.match(stderr, /Missing: CAP_NET_ADMIN, CAP_SYS_ADMIN\. Run as root: sudo npm run test:members/);
});
