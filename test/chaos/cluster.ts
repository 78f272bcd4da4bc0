/**
 * usage: npm run test:cluster [-- --kills 50 --restarts 5 --partitions 6 --freezes 4 --seed 1 --calm]
 * Three supervisors on one PostgreSQL, under load: killed with SIGKILL at named crash points and at random signs of
 * life, cut off from the database, frozen while they lead, and the database restarted at once. With --calm each fault is alone, and the next
 * one comes when what was asked at it can be seen.
 */
import { parseArgs } from "node:util";
import { startPostgres } from "../support/postgres.ts";
import { runCluster, summaryOf } from "./cluster-round.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    restarts: { type: "string", default: "5" },
    partitions: { type: "string", default: "6" },
    freezes: { type: "string", default: "4" },
    seed: { type: "string", default: "1" },
    calm: { type: "boolean", default: false },
  },
});
const postgres = await startPostgres();
try {
  const round = await runCluster(postgres, {
    kill: Number(values.kills),
    restart: Number(values.restarts),
    partition: Number(values.partitions),
    freeze: Number(values.freezes),
    seed: Number(values.seed),
    isCalm: values.calm,
    log: console.log,
  });
  const { text, isClean } = summaryOf(round);
  console.log(`\n${text}\n${isClean ? "clean" : "NOT clean"}`);
  process.exitCode = isClean ? 0 : 1;
} finally {
  await postgres.stop();
}
