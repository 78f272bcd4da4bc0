import type { Command } from "commander";
import type { PageLink } from "../api/page-outputs.ts";
import type { Hq } from "./hq.ts";
import { jsonText, plainText } from "./print.ts";

export function registerPage(program: Command, hq: Hq): void {
  program
    .command("page")
    .description("a link to the supervisor's web page that signs in once, within ten minutes")
    .option("--json", "print JSON")
    .action((options: { json?: true }) =>
      hq.run(async () => {
        const link = await hq
          .client()
          .ask<PageLink>({ method: "POST", path: "/page/link", isRepeatable: true });
        hq.io.out(options.json ? `${jsonText(link)}\n` : plainText(link.url));
        return 0;
      }),
    );
}
