import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { MOST_RETRIES } from "../api/limits.ts";
import type { RouteAnswer } from "../api/orchestrator-outputs.ts";
import type { Share } from "../domain/share.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { CallConfig } from "./call-config.ts";
import { type Hq, parseCount, parseSpan } from "./hq.ts";
import type { Io } from "./io.ts";
import { readPayload } from "./payload.ts";
import { jsonText } from "./print.ts";
import { exitOfShares } from "./share-exit.ts";
import { askInSlices } from "./slices.ts";

type CallOptions = {
  readonly payload?: string;
  readonly timeout?: number;
  readonly retry?: number;
  readonly reroute?: true;
  readonly deliver?: true;
  readonly parent?: string;
  readonly caller?: string;
  readonly key?: string;
  readonly config?: string;
};

const EXIT_CODES = `
Exit codes: 0 everybody brought something (a part: with a warning), 1 somebody failed, 2 wrong input, 3 refused,
4 time limit (what is late goes on), 5 somebody is down or no supervisor runs, 130 interrupted (the work goes on).
`;

export function registerRoute(program: Command, hq: Hq): void {
  const command = program
    .command("route")
    .description("give a payload to instances, and print what they bring")
    .option("--instances <words...>", "ids, aliases, letters or ranges of letters: A B, A-H, webster")
    .addOption(
      new Option("--mode <mode>", "all, the first healthy one, or turn about (all)").choices([
        "all",
        "one",
        "balance",
      ]),
    );
  withCallOptions(command).action((options: CallOptions & { instances?: string[]; mode?: string }) =>
    hq.run(() => route(hq, options)),
  );
  command.addHelpText(
    "after",
    `\nExample:\n  hq route --instances A B --payload '{"data": "task"}'\n${EXIT_CODES}`,
  );
}

export function registerFanout(program: Command, hq: Hq): void {
  const command = program
    .command("fanout")
    .description("ask several instances the same, and print one array of what came back in time")
    .option("--targets <words...>", "ids, aliases, letters or ranges of letters: A-H")
    .addOption(
      new Option("--aggregate [yes]", "wait and put the results together, or only hand over (true)").choices([
        "true",
        "false",
      ]),
    );
  withCallOptions(command).action(
    (options: CallOptions & { targets?: string[]; aggregate?: string | true }) =>
      hq.run(() => fanout(hq, options)),
  );
  command.addHelpText(
    "after",
    `\nExample:\n  hq fanout --targets A-H --aggregate true --timeout 10s\n\nWithout --payload it is a roll call.\n${EXIT_CODES}`,
  );
}

function withCallOptions(command: Command): Command {
  return command
    .option("--payload <json>", "what is to be done, a JSON object; - reads it from standard input")
    .option("--timeout <duration>", "how long results are waited for (60s); 0 hands over only", parseSpan)
    .option(
      "--retry <n>",
      "further attempts after a failed one, and further looks at an instance that is down, 0 to 3",
      parseCount(0, MOST_RETRIES),
    )
    .option("--reroute", "a healthy instance may do it for one that is down")
    .option("--deliver", "post the results to #results")
    .option("--parent <id>", "the delegation on whose behalf you ask")
    .option("--caller <agent>", "for which agent you ask; its row of the matrix counts (operator only)")
    .option("--key <key>", "the same key again means the same delegations, in place of new ones")
    .option("--config <file>", "a JSON file with instances or targets, payload, timeout, retry, mode, …")
    .option("--json", "print JSON, as always here");
}

async function route(
  hq: Hq,
  options: CallOptions & { readonly instances?: readonly string[]; readonly mode?: string },
): Promise<number> {
  const { io } = hq;
  const config = await configOf(io, options.config);
  const body = {
    ...(await bodyOf(io, options, config)),
    instances: someOf("--instances", options.instances ?? config.instances ?? config.targets),
    mode: options.mode ?? config.mode,
  };
  const answer = await askInSlices<RouteAnswer>(hq, {
    path: "/api/orchestrator/route",
    body,
    key: options.key ?? randomUUID(),
    timeoutMs: options.timeout ?? config.timeout,
    isOpen: ({ errors }) => Object.values(errors).some(goesOn),
  });
  if (answer === undefined) return 130;
  io.out(`${jsonText(answer)}\n`);
  const errors = Object.entries(answer.errors).map(([instance, { agent, status, code, message }]) => ({
    instance,
    agent,
    status,
    error: { code, message },
  }));
  return exitOfShares(io, [...Object.values(answer.results), ...errors]);
}

async function fanout(
  hq: Hq,
  options: CallOptions & { readonly targets?: readonly string[]; readonly aggregate?: string | true },
): Promise<number> {
  const { io } = hq;
  const config = await configOf(io, options.config);
  const said = options.aggregate === undefined ? config.aggregate : options.aggregate !== "false";
  const shares = await askInSlices<readonly Share[]>(hq, {
    path: "/api/orchestrator/fanout",
    body: {
      ...(await bodyOf(io, options, config)),
      targets: someOf("--targets", options.targets ?? config.targets ?? config.instances),
      aggregate: said,
    },
    key: options.key ?? randomUUID(),
    timeoutMs: said === false ? 0 : (options.timeout ?? config.timeout),
    isOpen: (all) => all.some(goesOn),
  });
  if (shares === undefined) return 130;
  io.out(`${jsonText(shares)}\n`);
  return exitOfShares(io, shares);
}

function someOf(flag: string, words: readonly string[] | undefined): readonly string[] {
  if (words !== undefined && words.length > 0) return words;
  throw new Refusal("invalid_input", `Nobody is named with ${flag}.`, {
    hint: `Say who is asked: ${flag} A B, ${flag} A-H or ${flag} webster.`,
  });
}

/** What reads the file is loaded only when there is one. */
async function configOf(io: Io, file: string | undefined): Promise<CallConfig> {
  if (file === undefined) return {};
  const { readCallConfig } = await import("./call-config.ts");
  return readCallConfig(io, file);
}

/** Waiting longer may help; a token that is refused needs people first. */
function goesOn({ open, status }: Pick<Share, "open" | "status">): boolean {
  return open === true && status !== "unauthorized";
}

async function bodyOf(io: Io, options: CallOptions, config: CallConfig) {
  const { deliver, parent, caller } = options;
  const payload =
    options.payload === undefined ? config.payload : await readPayload(io, "--payload", options.payload);
  const retries = options.retry ?? config.retry;
  return { payload, retries, reroute: options.reroute ?? config.reroute, deliver, parent, caller };
}
