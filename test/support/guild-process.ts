/** The local guild as a process of its own, to be killed: `node guild-process.ts <folder> [port]`; tells its address. */
import { createLocalGuild } from "../../src/local/local-guild.ts";

const [, , dir, port = "0"] = process.argv;
if (!dir) throw new Error("a folder is needed");
const guild = await createLocalGuild({ port: Number(port), dir, rates: false });
await guild.start();
process.stdout.write(`${guild.url}\n`);
