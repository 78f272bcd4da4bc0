import type { Actor } from "../../src/domain/actor.ts";
import type { Share } from "../../src/domain/share.ts";
import type {
  CallRequest,
  InstanceHealth,
  OrchestratorVerbs,
  RegisterRequest,
  SendRequest,
  Sent,
  SessionView,
  SpawnRequest,
} from "../../src/engine/orchestrator-verbs.ts";
import type { Refusal } from "../../src/kernel/refusal.ts";

export const SHARES: readonly Share[] = [
  { instance: "A", agent: "manager", status: "ok", result: "done", durationMs: 5, delegation: "call-1.i1" },
  {
    instance: "B",
    agent: "tech-lead",
    status: "timeout",
    error: { code: "timeout", message: "It goes on." },
    open: true,
    durationMs: 10_000,
    delegation: "call-1.i2",
  },
];
const SESSION: SessionView = {
  sessionId: "s1",
  instance: "A",
  agent: "manager",
  status: "open",
  persistent: false,
  spawnedAt: 1,
  by: "operator",
  turns: [{ turn: 1, at: 2, answeredAt: 3, status: "succeeded", delegation: "session-s1.t1" }],
};

/** The orchestrator without an engine: keeps what was asked, and answers what the test says. */
export function createScriptedOrchestrator() {
  const asked: { readonly actor: Actor; readonly verb: string; readonly request: any }[] = [];
  const say: {
    refusal?: Refusal;
    shares: readonly Share[];
    repeated: boolean;
    instances: readonly InstanceHealth[];
    sent: Partial<Sent>;
    sessions: readonly SessionView[];
  } = {
    shares: SHARES,
    repeated: false,
    instances: [
      { instance: "A", agent: "manager", status: "healthy", state: "up", text: "answers" },
      { instance: "B", agent: "tech-lead", status: "down", state: "down", text: "connection refused" },
    ],
    sent: {},
    sessions: [SESSION],
  };
  const note = (actor: Actor, verb: string, request: object) => {
    asked.push({ actor, verb, request });
    if (say.refusal) throw say.refusal;
  };

  const verbs: OrchestratorVerbs = {
    async call(actor: Actor, request: CallRequest) {
      note(actor, "call", request);
      return { shares: say.shares, repeated: say.repeated };
    },
    async instances(words) {
      note({ kind: "operator" }, "instances", { words });
      return say.instances;
    },
    sessions: {
      async spawn(actor: Actor, request: SpawnRequest) {
        note(actor, "spawn", request);
        const { sessionId } = request;
        return { sessionId, token: "hqs.t", instance: "A", agent: "manager", repeated: say.repeated };
      },
      async send(actor: Actor, request: SendRequest) {
        note(actor, "send", request);
        const { sessionId } = request;
        const same = { sessionId, turn: 1, agent: "manager", durationMs: 5, delegation: "session-s1.t1" };
        return { ok: true, reply: "hello", ...same, ...say.sent };
      },
      async list(query) {
        note({ kind: "operator" }, "list", query);
        return say.sessions;
      },
      async show(sessionId) {
        note({ kind: "operator" }, "show", { sessionId });
        return SESSION;
      },
      async close(actor, sessionId, token) {
        note(actor, "close", { sessionId, token });
        return { ...SESSION, status: "closed" };
      },
    },
    async register(actor: Actor, request: RegisterRequest) {
      note(actor, "register", request);
      return { skill: { skillId: request.skillId, at: 1, by: "operator", agents: [], cards: [] } };
    },
    async skills() {
      return [{ skillId: "orchestrator", at: 1, by: "operator", agents: ["manager"], cards: [] }];
    },
  };
  return { verbs, asked, say };
}
