import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { Refusal } from "../kernel/refusal.ts";
import { isSignedBy, publicKeyOf } from "../kernel/signature.ts";
import { DISCORD } from "./auth.ts";
import { type ApiApp, type Door, REFUSED } from "./parts.ts";

/** A command of 8,000 characters with the messages and members that it names stays far below. */
const MOST_BYTES = 512 * 1024;
/** Discord signs the instant; a request that is older, or from a clock that is further off, may be somebody's replay. */
const AGREES_WITHIN_MS = 60_000;

/** Interactions as Discord sends them, and how they are answered. */
export type DiscordDoor = {
  readonly isOn: () => boolean;
  /** In hexadecimal. */
  readonly publicKey: () => Promise<string>;
  /** The body of the answer; `answered` resolves when it has left, or nobody waits for it any more. */
  readonly answer: (payload: unknown, answered: Promise<void>) => Promise<object>;
  /** The time of day here. */
  readonly wall: () => number;
};

/** Whoever has Discord's signature needs no key; whoever has it not is told nothing, whatever was sent. */
export async function discordRoutes(app: ApiApp, { discord }: Door): Promise<void> {
  await app.register(async (scope) => {
    // The signature is of the bytes, so nothing reads them before it was looked at.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));

    scope.post(
      DISCORD,
      {
        bodyLimit: MOST_BYTES,
        schema: {
          tags: ["discord"],
          summary: "Discord's own door for commands, buttons and forms: signed with the application's key",
          security: [],
          response: { 200: z.looseObject({ type: z.int() }), ...REFUSED },
        },
      },
      async (request, reply) => {
        if (!discord?.isOn()) {
          throw new Refusal("not_found", "Interactions do not come by HTTP here.", {
            hint: "Set discord.interactions_endpoint in config/hq.yaml; docs/guide/interactions.md says how.",
          });
        }
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        checkSignature(request, body, await discord.publicKey(), discord.wall());
        const { promise: answered, resolve } = Promise.withResolvers<void>();
        reply.raw.once("close", () => resolve());
        return discord.answer(readJson(body), answered);
      },
    );
  });
}

function checkSignature({ headers }: FastifyRequest, body: Buffer, hex: string, now: number): void {
  const key = publicKeyOf(hex);
  if (!key) throw new Refusal("no_discord", "The application's public key is none.");
  const signature = headers["x-signature-ed25519"];
  const timestamp = headers["x-signature-timestamp"];
  const isWhole = typeof signature === "string" && typeof timestamp === "string";
  if (!isWhole || !isSignedBy(key, Buffer.concat([Buffer.from(timestamp), body]), signature)) {
    throw new Refusal("unauthenticated", "That does not carry Discord's signature.", {
      hint: "Only Discord is answered here; discord.public_key must be the application's.",
    });
  }
  if (!(Math.abs(now - Number(timestamp) * 1000) <= AGREES_WITHIN_MS)) {
    throw new Refusal("unauthenticated", "Discord signed that at another time.", {
      hint: "Is this machine's clock right? `hq doctor` compares it with Discord's.",
    });
  }
}

function readJson(body: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new Refusal("invalid_input", "The body is not a JSON object.");
}
