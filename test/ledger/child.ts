import { writeSync } from "node:fs";
import { holdHome } from "../../src/ledger/lock.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf, commitOf, dispatch, line } from "../contract/ledger-fixture.ts";

/** What the tests start as a process of its own: `commit <ledger>` writes until it is killed, `hold <lock>` holds a lock. */
const [, , act, path = ""] = process.argv;

const say = (line: string) => writeSync(1, `${line}\n`);

/** Eight writers at once; each line on stdout is something that was acknowledged. */
async function commitForever(): Promise<void> {
  const ledger = await openSqliteLedger({ path, ballastBytes: 0 });
  const chain = async (writer: number) => {
    for (let i = 0; ; i++) {
      const stream = `run-${process.pid}-${writer}-${i}`;
      const key = { scope: "test", key: stream, digest: "d" };
      const effects = [line(stream, 1), dispatch(stream, `agent-${writer}`, 1)];
      const first = await ledger.commit(commitOf(stream, { key, effects }));
      if (first.ok) say(`${stream} 1`);
      for (const { id, stream: claimed } of await claimOf(ledger, { limit: 3 })) {
        const version = (await ledger.load(claimed))?.version ?? 0;
        const settles = [{ id, outcome: "done" }];
        const slots = [{ attempt: 1, until: "free" }] as const;
        const next = { expectedVersion: version, status: "succeeded", open: false, settles, slots };
        const second = await ledger.commit(commitOf(claimed, next));
        if (second.ok) say(`${claimed} ${second.version}`);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, writer) => chain(writer)));
}

async function hold(): Promise<void> {
  const lock = await holdHome({ path, describe: { pid: process.pid, urls: ["http://127.0.0.1:1"] } });
  say(JSON.stringify(lock));
  if (lock.ok) process.stdin.resume();
}

await (act === "commit" ? commitForever() : hold());
