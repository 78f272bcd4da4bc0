import type { APIInteraction } from "discord.js";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import { Refusal } from "../kernel/refusal.ts";
import { DiscordError } from "./discord-failure.ts";
import { createHttpInteractions } from "./http-interactions.ts";
import { createInteractions, type InteractionsDeps } from "./interactions.ts";
import { type CommandSet, loadCommands } from "./load-commands.ts";
import type { Standby } from "./standby.ts";

/** Interactions as Discord sends them to an address of ours. */
export type HttpInteractions = {
  /** The key that Discord signs with. Throws `Refusal` when Discord does not say it. */
  readonly publicKey: () => Promise<string>;
  /** The body of the answer to a request of Discord; `answered` resolves when it has left. Throws `Refusal`. */
  readonly answer: (payload: unknown, answered: Promise<void>) => Promise<object>;
};

/** What both doors of interactions share: the commands, loaded once, and the guild that they speak of. */
export function createInteractionDoors(
  deps: Omit<InteractionsDeps, "commands"> & {
    readonly commandsDir: string;
    /** Whether the gateway has told us of the guild. */
    readonly isGuildKnown: () => boolean;
    readonly standby: Standby;
  },
) {
  const { log, standby } = deps;
  let loading: Promise<CommandSet> | undefined;
  let open: ReturnType<typeof openWith> | undefined;

  function openWith(commands: CommandSet) {
    const interactions = createInteractions({ ...deps, commands });
    return { ...interactions, http: createHttpInteractions({ shared: interactions.shared, know }) };
  }

  async function know(): Promise<void> {
    if (deps.isGuildKnown()) return;
    await said(standby.know());
  }

  async function prepare(): Promise<readonly CommandSet["commands"][number][]> {
    loading ??= loadCommands(deps.commandsDir);
    const set = await loading;
    open ??= openWith(set);
    return set.commands;
  }

  async function ready(): Promise<ReturnType<typeof openWith>> {
    await prepare();
    if (!open) throw new Error("the commands were not loaded");
    return open;
  }

  return {
    /** Resolves when channels and roles are known. Throws `Refusal`. */
    know,
    /** What is slow the first time, ahead of the first interaction. */
    async standBy() {
      await Promise.all([prepare(), know()]);
    },
    /** Loads the commands; once in a life. */
    prepare,
    isReady: () => open !== undefined,
    /** From the gateway. Acknowledged and not finished, it is carried out at the next start. */
    receive(interaction: APIInteraction): void {
      open?.receive(interaction).catch((error: unknown) => {
        log.error({ interaction: interaction.id, err: error }, "an interaction broke off");
      });
    },
    finishOld: (): Promise<void> => open?.finishOld() ?? Promise.resolve(),
    perform: async (effect: ClaimedOf<"interaction">): Promise<Outcome> =>
      (await ready()).http.perform(effect),
    http: {
      publicKey: () => said(standby.publicKey()),
      answer: async (payload, answered) => (await ready()).http.answer(payload, answered),
    } satisfies HttpInteractions as HttpInteractions,
  };
}

async function said<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    throw new Refusal("no_discord", `Discord cannot be asked about the guild: ${thrown.message}`, {
      hint: "It is asked again with the next interaction; `hq doctor` tests each part.",
      cause: thrown,
    });
  }
}
