import type { FastifyInstance } from "fastify";
import { Refusal } from "../../kernel/refusal.ts";
import type { PersonDeps } from "./routes.ts";

type File = {
  Params: { channel: string; attachment: string; filename: string };
  Querystring: { hm?: string };
};

const PICTURES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
};

/** The files of messages. The type follows from the name, never from what the sender claimed. */
export function attachmentRoutes(app: FastifyInstance, { core }: PersonDeps): void {
  app.get<File>("/local/attachments/:channel/:attachment/:filename", async ({ params, query }, reply) => {
    const { channel, attachment, filename } = params;
    const isSigned = core.attachments.isSigned(channel, attachment, filename, query.hm ?? "");
    const bytes = isSigned ? core.attachments.read(attachment) : undefined;
    if (!bytes) throw new Refusal("not_found", "There is no such file.");
    const picture = PICTURES[(/\.([a-z0-9]+)$/i.exec(filename)?.[1] ?? "").toLowerCase()];
    const disposition = picture ? "inline" : "attachment";
    return reply
      .headers({
        "content-type": picture ?? "application/octet-stream",
        "content-disposition": `${disposition}; filename*=UTF-8''${encodeURIComponent(filename)}`,
        "content-security-policy": "sandbox; default-src 'none'",
        "cache-control": "private, max-age=3600",
      })
      .send(bytes);
  });
}
