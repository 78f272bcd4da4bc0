import {
  type ApplicationCommandDataResolvable,
  ApplicationCommandType,
  ButtonStyle,
  Client,
  ComponentType,
  Events,
  GatewayIntentBits,
  type Interaction,
  MessageFlags,
  ApplicationCommandOptionType as Option,
  Partials,
  TextInputStyle,
} from "discord.js";

const AGENTS = [
  "manager",
  "tech-lead",
  "secretary",
  "auditor",
  "optimizer",
  "study-builder",
  "nx-expert",
  "webster",
];

const COMMANDS: ApplicationCommandDataResolvable[] = [
  {
    name: "delegate",
    description: "Hand a task to an agent and wait for its answer",
    options: [
      {
        type: Option.String,
        name: "agent",
        description: "Who should do it",
        required: true,
        autocomplete: true,
      },
      {
        type: Option.String,
        name: "objective",
        description: "What should be done",
        required: true,
        maxLength: 6000,
      },
      {
        type: Option.Integer,
        name: "timeout",
        description: "Seconds for each attempt",
        min_value: 10,
        max_value: 7200,
      },
      { type: Option.Boolean, name: "validate", description: "Insist on every field" },
      {
        type: Option.String,
        name: "format",
        description: "Form of the answer",
        choices: [
          { name: "JSON document", value: "json" },
          { name: "Text block", value: "text" },
        ],
      },
      { type: Option.Channel, name: "context", description: "Channel to read along" },
    ],
  },
  { name: "status", description: "What is going on" },
  { name: "form", description: "Asks with a form" },
  { name: "deaf", description: "Never answers" },
  {
    name: "workflow",
    description: "Workflows",
    options: [
      {
        type: Option.Subcommand,
        name: "run",
        description: "Start a workflow",
        options: [{ type: Option.String, name: "name", description: "Which one", required: true }],
      },
      { type: Option.Subcommand, name: "list", description: "All workflows" },
    ],
  },
  { name: "Delegate this message", type: ApplicationCommandType.Message },
];

const text = (content: string) => ({ type: ComponentType.TextDisplay as const, content });
const button = (customId: string, label: string, style: ButtonStyle = ButtonStyle.Secondary) => ({
  type: ComponentType.Button as const,
  style: style as ButtonStyle.Secondary,
  custom_id: customId,
  label,
});

export function card(
  title: string,
  lines: readonly string[],
  accent: number,
  buttons: ReturnType<typeof button>[] = [],
) {
  return {
    flags: MessageFlags.IsComponentsV2 as const,
    components: [
      {
        type: ComponentType.Container as const,
        accent_color: accent,
        components: [
          text([`### ${title}`, ...lines].join("\n")),
          ...(buttons.length > 0 ? [{ type: ComponentType.ActionRow as const, components: buttons }] : []),
        ],
      },
    ],
  };
}

const BLUE = 0x4c7df0;
const GREEN = 0x3aa55d;

/** A small discord.js bot that does everything once that the page must be able to show. */
export async function startBot(restApi: string, guildId: string) {
  const client = new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.GuildMessageReactions,
      GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Message, Partials.Reaction, Partials.User],
    rest: { api: restApi },
  });
  const errors: unknown[] = [];
  client.on(Events.Error, (error) => errors.push(error));
  const ready = new Promise<void>((resolve) => client.once(Events.ClientReady, () => resolve()));
  let held: (() => void) | undefined;
  const heldButton = Promise.withResolvers<void>();

  async function answer(interaction: Interaction): Promise<void> {
    if (interaction.isAutocomplete()) {
      const typed = interaction.options.getFocused().toLowerCase();
      await interaction.respond(
        AGENTS.filter((id) => id.includes(typed)).map((id) => ({ name: `${id} · ready`, value: id })),
      );
    } else if (interaction.isChatInputCommand()) await command(interaction);
    else if (interaction.isMessageContextMenuCommand()) {
      await interaction.reply({
        content: `Delegated: ${interaction.targetMessage.content}`,
        flags: MessageFlags.Ephemeral,
      });
    } else if (interaction.isButton()) await click(interaction);
    else if (interaction.isStringSelectMenu()) {
      await interaction.reply({
        content: `Chosen: ${interaction.values.join(", ")}`,
        flags: MessageFlags.Ephemeral,
      });
    } else if (interaction.isModalSubmit()) {
      await interaction.reply(
        `Form says ${interaction.fields.getTextInputValue("reason")} / ${interaction.fields.getTextInputValue("more") || "nothing"}`,
      );
    }
  }

  async function command(interaction: Extract<Interaction, { commandName: string }>): Promise<void> {
    if (!interaction.isChatInputCommand()) return;
    switch (interaction.commandName) {
      case "delegate": {
        const agent = interaction.options.getString("agent", true);
        if (!AGENTS.includes(agent)) {
          await interaction.reply({
            content: `There is no agent **${agent}**. Did you mean **webster**? See \`/agents\`.`,
            flags: MessageFlags.Ephemeral,
          });
          return;
        }
        await interaction.deferReply();
        const options = interaction.options.data
          .map(({ name, value }) => `${name}=${String(value)}`)
          .join(" ");
        await interaction.editReply(
          card(
            `${agent} · running`,
            [
              interaction.options.getString("objective", true).slice(0, 200),
              `-# ${options}`,
              `-# attempt 1 · started <t:${Math.floor(Date.now() / 1000)}:R>`,
            ],
            BLUE,
            [button("cancel", "Cancel", ButtonStyle.Danger), button("details", "Details")],
          ),
        );
        return;
      }
      case "form":
        await interaction.showModal({
          custom_id: "form",
          title: "Why?",
          components: [
            {
              type: ComponentType.Label,
              label: "Reason",
              description: "In a few words",
              component: {
                type: ComponentType.TextInput,
                custom_id: "reason",
                style: TextInputStyle.Short,
                required: true,
                min_length: 3,
              },
            },
            {
              type: ComponentType.Label,
              label: "More",
              component: {
                type: ComponentType.TextInput,
                custom_id: "more",
                style: TextInputStyle.Paragraph,
                required: false,
              },
            },
          ],
        });
        return;
      case "deaf":
        return;
      default:
        await interaction.reply({
          content: `All is **well** in ${interaction.commandName}.`,
          flags: MessageFlags.Ephemeral,
        });
    }
  }

  async function click(interaction: Extract<Interaction, { customId: string }>): Promise<void> {
    if (!interaction.isButton()) return;
    if (interaction.customId === "hold") {
      held = () => void interaction.reply({ content: "Done waiting.", flags: MessageFlags.Ephemeral });
      heldButton.resolve();
    } else if (interaction.customId === "cancel") {
      await interaction.update(card("webster · canceled", ["Canceled by a click"], GREEN));
    } else if (interaction.customId === "deaf") return;
    else
      await interaction.reply({
        content: `You clicked ${interaction.customId}.`,
        flags: MessageFlags.Ephemeral,
      });
  }

  client.on(Events.InteractionCreate, (interaction) => {
    answer(interaction).catch((error: unknown) => errors.push(error));
  });
  await client.login("local-token");
  await ready;
  await client.application?.commands.set(COMMANDS, guildId);

  return {
    client,
    errors,
    heldButton: heldButton.promise,
    release: () => held?.(),
    async channel(name: string) {
      const guild = client.guilds.cache.get(guildId);
      const found = guild?.channels.cache.find((one) => one.name === name);
      if (!found?.isSendable()) throw new Error(`no channel #${name}`);
      return found;
    },
    stop: () => client.destroy(),
  };
}

export type PageBot = Awaited<ReturnType<typeof startBot>>;
export { button, text };
