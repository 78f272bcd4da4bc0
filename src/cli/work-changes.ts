import type { Command } from "commander";
import { TEST_STATUSES, type WorkNote } from "../domain/work-types.ts";
import { lineOfWork, type WorkItem } from "../domain/work-view.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Hq } from "./hq.ts";
import { jsonText, plainText } from "./print.ts";

type Json = { readonly json?: true };
type Create = Json & {
  readonly title: string;
  readonly slug?: string;
  readonly project?: string;
  readonly goal?: string;
  readonly skill?: string;
  readonly criterion?: readonly string[];
  readonly constraint?: readonly string[];
  readonly blocker?: readonly string[];
};
type Notes = Json & {
  readonly artifact?: readonly string[];
  readonly metric?: readonly string[];
  readonly test?: readonly string[];
  readonly finding?: readonly string[];
  readonly followup?: readonly string[];
};

export const itemPath = (slug: string, act = "") =>
  `/work/items/${encodeURIComponent(slug)}${act && `/${act}`}`;

const more = (text: string, before: readonly string[] = []) => [...before, text];

/** What changes items. Who may is the supervisor's answer. */
export function registerWorkChanges(work: Command, hq: Hq): void {
  work
    .command("create")
    .description("make an item")
    .requiredOption("--title <text>", "what is to be done")
    .option("--slug <slug>", "its name; made from project and title when it is left out")
    .option("--project <name>", "what it belongs to")
    .option("--goal <text>", "what is to be reached")
    .option("--skill <name>", "the skill or agent that is to do it")
    .option("--criterion <text>", "when it is done; may be repeated", more)
    .option("--constraint <text>", "what must stay as it is; may be repeated", more)
    .option("--blocker <slug>", "an item that has to be done first; may be repeated", more)
    .option("--json", "print the item as JSON")
    .action(({ json, criterion: criteria, constraint: constraints, blocker: blockers, ...rest }: Create) =>
      hq.run(async () => {
        const body = { ...rest, criteria, constraints, blockers };
        const item = await hq.client("always").ask<WorkItem>({ method: "POST", path: "/work", body });
        return say(hq, item, json);
      }),
    );

  change(work, hq, "start", "begin it, also once more when it failed", (command) =>
    command.option("--skill <name>", "the skill or agent that does it"),
  );
  change(work, hq, "review", "put it up for review");
  change(work, hq, "complete", "it is done");
  change(work, hq, "fail", "it has failed", (command) => command.option("--reason <text>", "why"));
  change(work, hq, "handoff", "give it to another skill or agent", (command) =>
    command.requiredOption("--to <name>", "the skill or agent"),
  );
  change(work, hq, "block", "it has to wait for another item", (command) =>
    command.requiredOption("--on <slug>", "the item that has to be done first"),
  );

  work
    .command("note")
    .description("note what was made, measured, tested and found; every option may be repeated")
    .argument("<slug>")
    .option("--artifact <[type=]path>", "something that was made, such as code=src/app.py", more)
    .option("--metric <name=value>", "a measurement, such as test_coverage=91%", more)
    .option("--test <name=status>", "a test: pass, fail or skip, and evidence after a colon", more)
    .option("--finding <text>", "what was learned", more)
    .option("--followup <text>", "what is still to be done", more)
    .option("--json", "print the item as JSON")
    .action((slug: string, { json, ...given }: Notes) =>
      hq.run(async () => {
        const notes = notesOf(given);
        const path = itemPath(slug, "notes");
        const item = await hq.client("if-used").ask<WorkItem>({ method: "POST", path, body: { notes } });
        return say(hq, item, json);
      }),
    );
}

function change(
  work: Command,
  hq: Hq,
  act: string,
  description: string,
  options: (command: Command) => Command = (command) => command,
): void {
  options(work.command(act).description(description).argument("<slug>"))
    .option("--json", "print the item as JSON")
    .action((slug: string, { json, ...given }: Json & Record<string, string>) =>
      hq.run(async () => {
        const body = Object.keys(given).length > 0 ? { body: given } : {};
        const call = { method: "POST", path: itemPath(slug, act), ...body } as const;
        return say(hq, await hq.client("if-used").ask<WorkItem>(call), json);
      }),
    );
}

function say({ io }: Hq, item: WorkItem, json: true | undefined): number {
  io.out(json ? `${jsonText(item)}\n` : plainText(lineOfWork(item)));
  return 0;
}

function notesOf(given: Notes): readonly WorkNote[] {
  const notes: readonly WorkNote[] = [
    ...(given.artifact ?? []).map(artifactOf),
    ...(given.metric ?? []).map(metricOf),
    ...(given.test ?? []).map(testOf),
    ...(given.finding ?? []).map((text) => ({ type: "finding", text }) as const),
    ...(given.followup ?? []).map((text) => ({ type: "followup", text }) as const),
  ];
  if (notes.length > 0) return notes;
  throw new Refusal("invalid_input", "There is nothing to note.", {
    hint: "Give --artifact, --metric, --test, --finding or --followup.",
  });
}

function artifactOf(text: string): WorkNote {
  const [, kind = "file", path = text] = /^([a-z][a-z0-9_-]*)=(.+)$/s.exec(text) ?? [];
  return { type: "artifact", kind, label: path.split("/").at(-1) ?? path, path };
}

function metricOf(text: string): WorkNote {
  const [, name = "", value = "", unit = ""] = /^([^=]+)=(-?\d+(?:\.\d+)?)\s*(\S{0,30})$/.exec(text) ?? [];
  if (name !== "") return { type: "metric", name: name.trim(), value: Number(value), unit };
  throw new Refusal("invalid_input", `--metric ${text}: write name=value, such as test_coverage=91%.`);
}

function testOf(text: string): WorkNote {
  const [, name = "", word = "", evidence = ""] = /^([^=]+)=([a-z]+)(?::(.*))?$/s.exec(text) ?? [];
  const status = TEST_STATUSES.find((one) => one === word);
  if (status) return { type: "test", name: name.trim(), status, evidence: evidence.trim() };
  throw new Refusal("invalid_input", `--test ${text}: write name=pass, name=fail or name=skip.`, {
    hint: "Evidence may follow after a colon: --test 'login=fail:ci/41'.",
  });
}
