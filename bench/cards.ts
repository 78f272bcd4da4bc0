/**
 * From a person's /delegate in the local guild, with Discord's rate limits on, to the live card in its channel: one after
 * another, each when the one before is done. Beside it, in the same run, a message of that person alone.
 */
import { personAt } from "../test/edge/discord-person.ts";
import { startSupervisor, temporaryFolder } from "../test/support/supervisor.ts";
import { percentile, table } from "./report.ts";

const ASKS = 20;
using folder = temporaryFolder("hq-bench-cards-");
const supervisor = await startSupervisor(folder.path);
const person = personAt(supervisor);

async function seen(channel: string, act: () => Promise<unknown>): Promise<number> {
  const before = (await person.messages(channel)).length;
  const from = performance.now();
  const [ms] = await Promise.all([
    person.until(channel, (messages) => messages.length > before).then(() => performance.now() - from),
    act(),
  ]);
  return ms;
}

const options = { agent: "webster", objective: "Find the CTE of Zerodur Class 0 between 20 and 40 °C" };
const say = () => person.act("messages", { channel: "meeting-notes", content: "hello" });
const cards: number[] = [];
const bare: number[] = [];
for (let n = 1; n <= ASKS; n++) {
  bare.push(await seen("meeting-notes", say));
  cards.push(await seen("technical", () => person.act("commands", { name: "delegate", options })));
  await person.until("results", (messages) => messages.length === n);
}
await supervisor.stop();
const row = (what: string, times: readonly number[]) => [
  what,
  percentile(times, 50).toFixed(0),
  Math.max(...times).toFixed(0),
];
console.log(table(["what", "p50 ms", "slowest ms"], [row("a card", cards), row("a message alone", bare)]));
process.exitCode = Math.max(...cards) <= 1000 ? 0 : 1;
