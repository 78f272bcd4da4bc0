import type { Command } from "commander";
import type { Evolved } from "../domain/work-types.ts";
import type { DecidedProposals, EvolvedItem, EvolveVerbs } from "../engine/work-verbs.ts";
import { type Hq, parseCount } from "./hq.ts";
import { instant, jsonText, plainText, table } from "./print.ts";

type Json = { readonly json?: true };
type Items<Item> = { readonly items: readonly Item[] };

/** `hq evolve …`: what finished work teaches. */
export function registerEvolve(program: Command, hq: Hq): void {
  const { io } = hq;
  const evolve = program
    .command("evolve")
    .description("check finished work, propose what it taught, and look after the skills");

  evolve
    .command("run")
    .description("the three gates: sanity-check, reflect, skill-lifecycle")
    .argument("[slug]", "one item; without it all that have ended and were not looked at since")
    .option("--dry-run", "say what would be done, and change nothing")
    .option("--json", "print JSON")
    .action((slug: string | undefined, { dryRun, json }: Json & { dryRun?: true }) =>
      hq.run(async () => {
        const body = { ...(slug === undefined ? {} : { slug }), ...(dryRun ? { dryRun } : {}) };
        const call = { method: "POST", path: "/evolve", body } as const;
        const { items } = await hq.client("if-used").ask<Items<EvolvedItem>>(call);
        if (json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("Nothing has ended that was not looked at.\n");
        else io.out(plainText(items.map((item) => told(item, dryRun === true)).join("\n")));
        return 0;
      }),
    );

  for (const [act, description] of [
    ["accept", "write what is proposed where it may be written, else send it to its agent; never for agents"],
    ["dismiss", "leave what is proposed; never for agents"],
  ] as const) {
    const command = evolve.command(act).description(description).argument("<slug>");
    if (act === "accept")
      command.option("--dry-run", "print the difference and who would get the rest; change nothing");
    command
      .option("--json", "print JSON")
      .action((slug: string, { json, dryRun }: Json & { dryRun?: true }) =>
        hq.run(async () => {
          const path = `/evolve/items/${encodeURIComponent(slug)}/${act}`;
          const body = dryRun ? { body: { dryRun } } : {};
          const decided = await hq.client("if-used").ask<DecidedProposals>({ method: "POST", path, ...body });
          io.out(json ? `${jsonText(decided)}\n` : plainText(decidedText(decided)));
          return 0;
        }),
      );
  }

  evolve
    .command("scan")
    .description("items that have ended and were not looked at since")
    .option("--json", "print JSON")
    .action(({ json }: Json) =>
      hq.run(async () => {
        const { items } = await hq.client("if-used").ask<Items<string>>({ path: "/evolve/scan" });
        if (json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("Nothing waits.\n");
        else io.out(plainText(items.join("\n")));
        return 0;
      }),
    );

  evolve
    .command("log")
    .description("what was looked at, newest first")
    .option("--limit <n>", "how many", parseCount(1, 500), 10)
    .option("--json", "print JSON")
    .action(({ limit, json }: Json & { limit: number }) =>
      hq.run(async () => {
        type Line = { readonly slug: string } & Evolved;
        const { items } = await hq.client("if-used").ask<Items<Line>>({ path: `/evolve/log?limit=${limit}` });
        if (json) io.out(`${jsonText(items)}\n`);
        else if (items.length === 0) io.err("Nothing was looked at yet.\n");
        else
          io.out(
            table(
              items.map(({ at, slug, verdict, issues }) => [instant(at), verdict, slug, issues.join("; ")]),
            ),
          );
        return 0;
      }),
    );

  evolve
    .command("status")
    .description("how many items wait, and how each skill does")
    .option("--json", "print JSON")
    .action(({ json }: Json) =>
      hq.run(async () => {
        type Status = Awaited<ReturnType<EvolveVerbs["status"]>>;
        const status = await hq.client("if-used").ask<Status>({ path: "/evolve/status" });
        if (json) {
          io.out(`${jsonText(status)}\n`);
          return 0;
        }
        io.out(`${status.looked} looked at, ${status.waiting} waiting\n`);
        const rate = (one: Status["skills"][number]) =>
          one.passRate === undefined ? "no tests" : `${one.passRate}%`;
        const rows = status.skills.map((one) => [
          one.skill,
          one.health,
          rate(one),
          `${one.done} done, ${one.failed} failed${one.issues.length > 0 ? `: ${one.issues.join("; ")}` : ""}`,
        ]);
        if (rows.length > 0) io.out(table(rows));
        return 0;
      }),
    );
}

function decidedText({
  decision,
  delegation,
  written = [],
  dryRun,
  changes = [],
  agent,
}: DecidedProposals): string {
  if (dryRun) {
    const lines = changes.map(({ target, diff }) => diff || `${target} has these lines already`);
    return [...lines, ...(agent === undefined ? [] : [`would be sent to ${agent}`])].join("\n");
  }
  return [
    decision,
    ...(written.length > 0 ? [`: written into ${written.join(" and ")}`] : []),
    ...(delegation === undefined ? [] : [`: see hq wait ${delegation}`]),
  ].join("");
}

function told(
  { slug, verdict, issues, proposed, file, repair, health }: EvolvedItem,
  isDry: boolean,
): string {
  const would = isDry ? "would be " : "";
  return [
    `${slug}: ${verdict}${issues.length > 0 ? `: ${issues.join("; ")}` : ""}`,
    ...proposed.map(({ target, text }) => `  ${would}proposed for ${target}: ${text}`),
    ...(file === undefined ? [] : [`  proposals: ${file}`]),
    ...(health && health.health !== "healthy"
      ? [`  ${health.skill} is ${health.health}: ${health.issues.join("; ")}`]
      : []),
    ...(repair === undefined ? [] : [`  repair item${isDry ? " (would be there)" : ""}: ${repair}`]),
  ].join("\n");
}
