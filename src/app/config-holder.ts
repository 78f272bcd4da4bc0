import { loadConfig } from "../config/load.ts";
import { renderProblems } from "../config/render-problems.ts";
import { savedIn, watchConfig } from "../config/watch.ts";
import { createRegistry } from "../domain/agent-card.ts";
import type { Config, ConfigProblem } from "../domain/config.ts";
import type { Log } from "../engine/ports/log.ts";
import { makeFolder } from "../handoffs/make-folder.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { SampleAgents } from "../local/agents/sample-agents.ts";
import { unfitKey } from "./exposure.ts";
import { waitingForStart } from "./fixed-settings.ts";
import type { Env } from "./mode.ts";
import { withSampleWorkers } from "./sample-workers.ts";

/** The configuration that holds now: the last good one, with the sample agents' addresses and the sample worker where they stand in. */
export function createConfigHolder(options: {
  readonly configDir: string;
  readonly installation: string;
  readonly home: string;
  readonly env: Env;
  readonly samples: boolean;
  readonly now: () => number;
}) {
  const { env, installation } = options;
  const place = { dir: options.configDir, installation, home: options.home, env };
  const saved = savedIn(options.configDir);
  const first = loadConfig(place);
  if (!first.ok) {
    throw new Refusal("invalid_input", `The configuration in ${options.configDir} is not valid.`, {
      hint: `${renderProblems(first.problems, installation)}\nMend it and start again; \`hq check\` says the same.`,
    });
  }
  let authored = first.config;
  let samples: SampleAgents | undefined;
  let current = options.samples ? withSampleWorkers(authored) : authored;

  function use(read: Config): void {
    authored = read;
    const config = options.samples ? withSampleWorkers(read) : read;
    if (!samples) {
      current = config;
      return;
    }
    const { addresses } = samples;
    const agents = config.registry.agents.flatMap((card) => {
      const url = addresses.get(card.id);
      const { tokenEnv: _, ...rest } = card;
      return url ? [{ ...rest, url, hooksPath: "/hooks/agent", sample: true }] : [];
    });
    current = { ...config, registry: createRegistry(agents) };
  }

  return {
    current: () => current,
    warnings: first.warnings.map((warning) => renderProblems([warning], installation)),
    /** Values that must never be seen: the bot token and every agent's hooks token. */
    secrets: (): readonly (string | undefined)[] => [
      env.DISCORD_TOKEN,
      env.ORCHESTRATOR_AGENT_TOKEN,
      env.CHIP_TOKEN,
      ...authored.registry.agents.map(({ tokenEnv }) => (tokenEnv ? env[tokenEnv] : undefined)),
    ],
    /** Starts the sample agents when they are wanted; their addresses replace those of the file. */
    async startSamples(begin: (part: Part) => Promise<void>, log: Log): Promise<void> {
      if (!options.samples) return;
      const { dir } = authored.settings.handoffs;
      makeFolder(dir);
      const { createSampleAgents } = await import("../local/agents/sample-agents.ts");
      const handoffDirs = () => {
        const { settings, registry } = current;
        return [settings.handoffs.dir, ...registry.agents.flatMap((card) => card.handoffDir ?? [])];
      };
      const { now } = options;
      const agents = idsIn(authored);
      samples = await createSampleAgents({ agents, ports: 0, handoffDir: dir, handoffDirs, now, log });
      await begin({ name: "sample agents", stop: samples.stop });
      use(authored);
    },
    /** Follows the files: a good change holds from now on, a bad one is told and changes nothing. */
    watch(told: {
      readonly log: Log;
      readonly onChange: () => void;
      /** Why a valid one cannot hold beside what else works on this machine. */
      readonly unfit: (config: Config) => Refusal | undefined;
    }): Part {
      const tell = (problems: readonly ConfigProblem[]) => renderProblems(problems, installation);
      const refuse = (text: string) =>
        told.log.error({ text }, "a change of the configuration is not valid; the last good one stays");
      const take = (config: Config, warnings: readonly ConfigProblem[]) => {
        use(config);
        told.log.info({ files: config.files.length }, "the configuration was read again");
        const waiting = waitingForStart(first.config.settings, config.settings);
        if (waiting.length > 0)
          told.log.warn({ text: waiting.join(", ") }, "some settings hold from the next start on");
        if (warnings.length > 0)
          told.log.warn({ text: tell(warnings) }, "the configuration has doubtful places");
        told.onChange();
      };
      const oneByOne = createOneByOne();
      const watcher = watchConfig({
        place,
        required: first.required,
        first: saved,
        onChange(config, warnings) {
          const unfit = unfitKey(config.settings.api, env) ?? told.unfit(config);
          if (unfit) return refuse(`${unfit.message}\n${unfit.hint}`);
          oneByOne(async () => {
            await samples?.employ(idsIn(config));
            take(config, warnings);
          }).catch((error: unknown) => refuse(String(error)));
        },
        onProblems: (problems) => refuse(tell(problems)),
      });
      return { name: "config", ...watcher };
    },
  };
}

const idsIn = ({ registry }: Config) => registry.agents.map(({ id }) => id);

export type ConfigHolder = ReturnType<typeof createConfigHolder>;
