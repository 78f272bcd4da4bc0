import type { APIApplicationCommand } from "discord-api-types/v10";
import { readCommand } from "../check/command.ts";
import { type Body, isObject } from "../check/form.ts";
import { DiscordError, invalidForm } from "../errors.ts";
import type { World } from "../state/world.ts";

const MOST: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15 };

export type Commands = ReturnType<typeof createCommands>;

/** The application commands of each bot; people are shown those of the guild's own one. */
export function createCommands({ world }: { world: World }) {
  const { population } = world;
  const known = (app: string, name: unknown, type: unknown) =>
    world.commands(app).find((one) => one.name === name && one.type === type);

  function store(app: string, checked: Body): APIApplicationCommand {
    const earlier = known(app, checked["name"], checked["type"]);
    const command = {
      id: earlier?.id ?? world.newId(),
      application_id: app,
      guild_id: population.id,
      version: world.newId(),
      ...checked,
    } as unknown as APIApplicationCommand;
    if (earlier && isSame(earlier, command)) return earlier;
    world.saveCommand(command);
    return command;
  }

  function find(id: string): APIApplicationCommand {
    const command = world.command(id);
    if (!command) throw new DiscordError(10063);
    return command;
  }

  return {
    list: world.commands,
    find,
    /** Replaces all commands. All of them are checked before the first one is stored. */
    replace(app: string, bodies: unknown): APIApplicationCommand[] {
      if (!Array.isArray(bodies) || !bodies.every(isObject)) {
        throw invalidForm([
          { path: "", code: "LIST_TYPE_CONVERT", message: "Only a list of commands is valid." },
        ]);
      }
      const checked = bodies.map((body, i) => readCommand(body, String(i)));
      const twice = checked.findIndex((one, i) =>
        checked.some((other, n) => n < i && isNamesake(one, other)),
      );
      if (twice !== -1) {
        throw invalidForm([
          {
            path: `${twice}.name`,
            code: "APPLICATION_COMMANDS_DUPLICATE_NAME",
            message: "Application command names must be unique",
          },
        ]);
      }
      for (const [type, most] of Object.entries(MOST)) {
        if (checked.filter((one) => one["type"] === Number(type)).length <= most) continue;
        throw invalidForm([
          { path: "", code: "BASE_TYPE_MAX_LENGTH", message: `At most ${most} commands of type ${type}.` },
        ]);
      }
      const kept = checked.map((one) => store(app, one));
      for (const one of world.commands(app)) {
        if (!kept.some(({ id }) => id === one.id)) world.removeCommand(one.id);
      }
      world.emit({ kind: "commands" });
      return kept;
    },
    /** Creates, or overwrites the one of the same name and type. */
    create(app: string, body: Body): { command: APIApplicationCommand; isNew: boolean } {
      const checked = readCommand(body);
      const isNew = !known(app, checked["name"], checked["type"]);
      const command = store(app, checked);
      world.emit({ kind: "commands" });
      return { command, isNew };
    },
    change(id: string, body: Body): APIApplicationCommand {
      const earlier = find(id);
      const checked = readCommand({ ...earlier, ...body });
      const next: APIApplicationCommand = { ...earlier, ...checked, version: world.newId() };
      world.saveCommand(next);
      world.emit({ kind: "commands" });
      return next;
    },
    remove(id: string): void {
      world.removeCommand(find(id).id);
      world.emit({ kind: "commands" });
    },
  };
}

const isNamesake = (a: Body, b: Body) => a["name"] === b["name"] && a["type"] === b["type"];

const isSame = (a: APIApplicationCommand, b: APIApplicationCommand) =>
  JSON.stringify({ ...a, version: "" }) === JSON.stringify({ ...b, version: "" });
