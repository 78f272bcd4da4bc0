import type { AgentCard } from "../../domain/agent-card.ts";
import type { Order } from "../../domain/delegation-types.ts";
import type { FileMove } from "../../domain/effects.ts";
import type { HandoffSource } from "../../domain/handoff-types.ts";
import type { Problem } from "../../kernel/refusal.ts";

/** A file or document that claims to be a handoff. */
export type ArrivedHandoff = {
  readonly runId: string;
  readonly source: HandoffSource;
} & (
  | {
      readonly ok: true;
      readonly document: unknown;
      /** Only when the file holds text, not JSON. */
      readonly text?: string;
      /** What reading already repaired, to be kept with the handoff. */
      readonly remarks?: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] }
);

/** What the inbox asks of the engine when a file arrived; resolves after the commit. */
export type HandoffSink = (arrived: ArrivedHandoff) => Promise<void>;

export type Inbox = {
  /** Absolute path where this run's attempt is to be written by this agent. */
  readonly pathFor: (order: Pick<Order, "id" | "parent">, agent: AgentCard, attempt: number) => string;
  /** Folders of an earlier life that config does not name any more: who is owed something says so with `expect` before the start. */
  readonly leftFolders: () => readonly string[];
  /** Looks for this run's file now and often until `forget`. */
  readonly expect: (run: string) => void;
  readonly forget: (run: string) => void;
  /** Looks for this run's files once, now; resolves when every one that is there was handed to the sink. */
  readonly lookFor: (run: string) => Promise<void>;
  /** Moves a committed file to accepted/ or rejected/ (with its problems beside it). Doing it twice is a no-op. Returns the new path. */
  readonly archive: (move: FileMove) => Promise<string>;
  /** Reads all directories once, now; resolves when every file found was handed to the sink. */
  readonly sweep: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
};
