import type { FastifyRequest } from "fastify";
import type { World } from "../state/world.ts";

type Headers = Pick<FastifyRequest, "headers">;

/** Which bot asks. */
export const createMe =
  ({ population }: Pick<World, "population">) =>
  ({ headers }: Headers): string =>
    population.botOf((headers.authorization ?? "").replace(/^Bot /, ""));
