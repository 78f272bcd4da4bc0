import type { FastifyInstance } from "fastify";
import { Refusal } from "../../kernel/refusal.ts";
import { asText, type Body } from "../check/form.ts";
import type { Away, EventFault, Fault, Faults } from "../faults.ts";

const REQUEST_FAULTS = ["status", "delay", "drop", "rate-limit"];
const EVENT_FAULTS = ["duplicate-event", "lose-event", "stale-interaction"];

/** Faults for tests that run the guild in another process. */
export function faultRoutes(app: FastifyInstance, faults: Faults): void {
  app.post<{ Body: Body | undefined }>("/local/faults", async ({ body = {} }, reply) => {
    const kind = asText(body["kind"]);
    if (REQUEST_FAULTS.includes(kind)) faults.add(body as unknown as Fault);
    else if (EVENT_FAULTS.includes(kind)) faults.addEvent(body as unknown as EventFault);
    else if (kind === "outage") faults.outage(body["on"] !== false);
    else if (kind === "guild-away") faults.guildAway(awayOf(body));
    else if (kind === "gateway-drop") faults.dropGateway(codeOf(body));
    else if (kind === "invalid-session") faults.invalidateSessions(body["resumable"] === true);
    else if (kind === "reconnect") faults.askToReconnect();
    else if (kind === "refuse-resume") faults.refuseResume(Number(body["times"] ?? 1));
    else throw new Refusal("invalid_input", `There is no fault called ${kind}.`);
    return reply.code(204).send();
  });

  app.delete("/local/faults", async (_, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
}

const codeOf = (body: Body) => (typeof body["code"] === "number" ? body["code"] : undefined);

const awayOf = ({ how }: Body): Away | undefined =>
  how === "unavailable" || how === "removed" ? how : undefined;
