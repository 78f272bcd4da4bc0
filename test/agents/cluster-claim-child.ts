/** Takes the claim of a folder when it hears a line, says `yes` or `no`, and keeps it until it is killed. */
import { takeClaim } from "../../src/agents/cluster/claim.ts";

process.stdout.write("ready\n");
process.stdin.once("data", () => {
  const letGo = takeClaim(process.argv[2] ?? "");
  process.stdout.write(letGo ? "yes\n" : "no\n");
  process.stdin.on("data", () => {
    letGo?.();
    process.stdout.write("let go\n");
  });
});
