import type { FastifyInstance } from "fastify";
import { Refusal } from "../../kernel/refusal.ts";
import type { Body } from "../check/form.ts";
import type { InteractionState, StoredInteraction } from "../state/documents.ts";
import type { Member } from "../state/population.ts";
import { createInvoking } from "./invoke.ts";
import type { PersonDeps } from "./routes.ts";

const FINAL: readonly InteractionState[] = ["replied", "updated", "deleted", "modal", "failed"];
const WAIT_MS = 15_000;
const LONGEST_WAIT_MS = 120_000;
const AUTOCOMPLETE_MS = 3500;

type Posted = { Body: Body | undefined };

/** Slash commands, context menus, autocomplete, buttons, selects and forms. */
export function interactRoutes(app: FastifyInstance, deps: PersonDeps): void {
  const { core, finding, looks } = deps;
  const { world } = core;
  const invoking = createInvoking(deps);

  async function answer(started: StoredInteraction, you: Member, body: Body) {
    if (body["wait"] !== true || FINAL.includes(started.state)) return looks.interaction(started, you);
    const asked = Number(body["wait_ms"] ?? WAIT_MS);
    const ms = Number.isFinite(asked) ? Math.min(Math.max(asked, 0), LONGEST_WAIT_MS) : WAIT_MS;
    return looks.interaction(await settled(started, ms), you);
  }

  /** Waits until the interaction has its answer, at most `ms`. */
  function settled(started: StoredInteraction, ms: number): Promise<StoredInteraction> {
    return new Promise((resolve) => {
      const done = (interaction: StoredInteraction) => {
        clearTimeout(timer);
        stop();
        resolve(interaction);
      };
      const timer = setTimeout(() => done(world.interaction(started.id) ?? started), ms);
      const stop = world.on((event) => {
        if (event.kind !== "interaction" || event.interaction.id !== started.id) return;
        if (FINAL.includes(event.interaction.state)) done(event.interaction);
      });
    });
  }

  app.post<Posted>("/local/commands", async ({ body = {} }, reply) => {
    const you = finding.person(body["as"]);
    const started = invoking.command(you, body);
    return reply.code(201).send(await answer(started, you, body));
  });

  app.post<Posted>("/local/autocomplete", async ({ body = {} }) => {
    const you = finding.person(body["as"]);
    const done = await settled(invoking.autocomplete(you, body), AUTOCOMPLETE_MS);
    if (done.choices) return { choices: done.choices };
    throw new Refusal("timed_out", "Loading the choices failed: the bot did not answer within 3 s.");
  });

  app.post<Posted>("/local/components", async ({ body = {} }, reply) => {
    const you = finding.person(body["as"]);
    return reply.code(201).send(await answer(invoking.component(you, body), you, body));
  });

  app.post<Posted>("/local/modals", async ({ body = {} }, reply) => {
    const you = finding.person(body["as"]);
    return reply.code(201).send(await answer(invoking.modal(you, body), you, body));
  });
}
