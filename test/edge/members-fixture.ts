import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Behaviour } from "../chaos/agents.ts";
import { createWorld } from "../chaos/world.ts";
import type { Postgres } from "../support/postgres.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

export type Member = { readonly name: string; readonly home: string; readonly supervisor: Supervisor };

/** One guild, one set of gateways, one database and one folder for handoffs; supervisors come and go. */
export async function createMembersWorld(
  t: TestContext,
  postgres: Postgres,
  given: { readonly behaviour?: Behaviour; readonly concurrency?: number; readonly yaml?: string } = {},
) {
  const folder = temporaryFolder("hq-members-");
  const database = await postgres.createDatabase();
  const world = await createWorld(folder.path, { ...given, database });
  world.configure(`handoffs: { dir: "${join(folder.path, "handoffs")}" }\n${given.yaml ?? ""}`);
  const living = new Set<Supervisor>();
  t.after(async () => {
    for (const { child, exited } of living) {
      child.kill("SIGKILL");
      await exited;
    }
    await world.stop();
    folder.remove();
  });
  return {
    world,
    database,
    async join(name: string, env: Record<string, string> = {}): Promise<Member> {
      const home = join(folder.path, name);
      const supervisor = await startSupervisor(home, { ...world.env, ...env });
      living.add(supervisor);
      return { name, home, supervisor };
    },
  };
}

/** Asks for one delegation, and again under its key where the answer did not come. */
export async function ask(
  { supervisor }: Member,
  key: string,
  body: Record<string, unknown>,
): Promise<string> {
  const answer = await supervisor.call(
    "POST",
    "/delegations",
    { timeout: "60s", ...body },
    {
      "idempotency-key": key,
    },
  );
  if (answer.status >= 300) throw new Error(`${key}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

/** Resolves with the view once it is settled. */
export async function settled({ supervisor }: Member, id: string): Promise<any> {
  for (;;) {
    const { body } = await supervisor.call("GET", `/delegations/${id}?wait=30s`);
    if (body.settledAt) return body;
  }
}

/** Positions and streams of the events that a member tells, from now on until `isAll`. */
export async function hear(
  { supervisor, home }: Member,
  key: string,
  isAll: (streams: readonly { position: number; stream: string; type: string }[]) => boolean,
): Promise<{
  readonly begun: Promise<void>;
  readonly all: Promise<readonly { position: number; stream: string; type: string }[]>;
}> {
  const response = await fetch(`${supervisor.ready.api}/api/v1/events`, {
    headers: { authorization: `Bearer ${key}`, accept: "text/event-stream" },
  });
  if (!response.ok || !response.body) throw new Error(`${home}: ${response.status}`);
  const { body } = response;
  const heard: { position: number; stream: string; type: string }[] = [];
  const begun = Promise.withResolvers<void>();
  async function read() {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      begun.resolve();
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (data) heard.push(JSON.parse(data));
      }
      if (isAll(heard)) return heard;
    }
    throw new Error("the stream of events ended");
  }
  return { begun: begun.promise, all: read() };
}
