import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { cleanEnv, ROOT } from "../support/supervisor.ts";
import { freeze, needing, thaw } from "../support/tools.ts";
import { callerOf, createWorld, doors, handBack, type World } from "./world.ts";

const API_KEY = "the-key-of-the-disk-tests-00000000";

/** The supervisor in a process of its own, run by another command; its key is known without its folder. */
async function startUnder(t: TestContext, world: World, command: readonly [string, ...string[]]) {
  const [program, ...args] = command;
  const hq = [process.execPath, join(ROOT, "bin/hq.js"), "start", "--embedded", "--json"];
  const env = cleanEnv({ ...world.env, HQ_HOME: world.home, HQ_PORT: "0", ORCHESTRATOR_API_KEY: API_KEY });
  const child = spawn(program, [...args, ...hq], { env, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = once(child, "exit");
  const line = await Promise.race([once(createInterface({ input: child.stdout }), "line"), exited]);
  const ready = JSON.parse(String(line[0])) as { api?: string; pid: number } | null;
  if (!ready?.api) throw new Error(`the supervisor left before it was ready:\n${stderr}`);
  const call = callerOf(ready.api, API_KEY);
  return { child, exited, pid: ready.pid, call, ...doors(call), stderr: () => stderr };
}

type Running = Awaited<ReturnType<typeof startUnder>>;

/** Asks again and again; resolves with the acknowledged ids when an answer is no (`until: false`) or yes again. */
async function askUntil(app: Running, isTaken: boolean, objective: string): Promise<readonly string[]> {
  const taken: string[] = [];
  for (let n = 0; n < 400; n++) {
    const { status, body } = await app.call("POST", "/delegations", { agent: "webster", objective });
    if (status === 201) taken.push(body.id);
    else assert.ok(status >= 500, `${status} ${JSON.stringify(body)}`);
    if ((status === 201) === isTaken) return taken;
  }
  throw new Error("it never changed");
}

async function allSucceed(app: Running, world: World, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const view = await app.settled(id);
    assert.equal(view.status, "succeeded", id);
    const settlements = (await app.typesOf(id)).filter((type) => type === "delegation.settled");
    assert.equal(settlements.length, 1, id);
    const sent = world.gateway.requests.filter(({ headers }) => headers["idempotency-key"] === `${id}#1`);
    assert.ok(sent.length === 1 || view.attempts[0].ambiguous, `${id} was sent ${sent.length} times`);
  }
}

test(
  "on a disk that is full nothing acknowledged is lost, the answer is no, and with space it goes on by itself",
  needing("unshare", async (t) => {
    const world = await createWorld(t, {
      hq: "api: { rate_per_minute: 100000 }\nhandoffs: { dir: FOLDER/handoffs }\n",
    });
    mkdirSync(world.home);
    const mount = 'mount -t tmpfs -o size=40m tmpfs "$HQ_HOME" && exec "$@"';
    const app = await startUnder(t, world, ["unshare", "-rm", "sh", "-c", mount, "sh"]);
    const first = await app.ask();
    await app.settled(first);
    // The supervisor's own view of its folder.
    const filler = join("/proc", String(app.pid), "root", world.home, "filler");
    fill(filler);
    const before = await askUntil(app, false, "x".repeat(100_000));
    assert.ok(existsSync(filler));
    rmSync(filler);
    const after = await askUntil(app, true, "there is room again");
    await allSucceed(app, world, [first, ...before, ...after]);
    assert.equal(app.child.exitCode, null);
    app.child.kill("SIGTERM");
    assert.deepEqual(await app.exited, [0, null]);
  }),
);

test(
  "when fsync reports an error nothing is acknowledged, and when it works again all that was is there",
  needing("strace", async (t) => {
    const world = await createWorld(t);
    const inject = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=60..75"];
    const strace = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", ...inject] as const;
    const app = await startUnder(t, world, [...strace]);
    const before = await askUntil(app, false, "a disk that fails");
    const after = await askUntil(app, true, "a disk that works again");
    assert.ok(before.length > 0);
    await allSucceed(app, world, [...before, ...after]);
    app.child.kill("SIGTERM");
    assert.deepEqual(await app.exited, [0, null]);
  }),
);

test(
  "in a handoff folder that lets nothing go, the work is settled once, also after a restart, and the file stays",
  needing("chattr", async (t) => {
    let handed = "";
    const world = await createWorld(t, {
      webster: ", handoff_dir: FOLDER/out",
      onRun(run) {
        handBack(run);
        handed = /^(\/\S+\.json)$/m.exec(run.message)?.[1] ?? "";
        freeze(out);
      },
    });
    const out = join(world.folder, "out");
    mkdirSync(out);
    try {
      const app = await world.start();
      const id = await app.ask();
      assert.equal((await app.settled(id)).status, "succeeded");
      await app.stop();
      assert.ok(handed.startsWith(out) && existsSync(handed));
      const again = await world.start();
      assert.equal((await again.settled(await again.ask({ agent: "tech-lead" }))).status, "succeeded");
      const { body } = await again.call("GET", `/handoffs?run=${id}`);
      assert.deepEqual(
        body.items.map(({ verdict }: { verdict: string }) => verdict),
        ["accepted"],
      );
      assert.equal((await again.typesOf(id)).filter((type) => type === "delegation.settled").length, 1);
    } finally {
      thaw(out);
    }
  }),
);

/** Takes what is left of a disk. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let size = 1 << 20; size >= 1; ) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}
