import { isSettled } from "../domain/delegation-types.ts";
import type { Settings } from "../domain/settings.ts";
import {
  fileTooLarge,
  hasRoomFor,
  MOST_UPLOADS,
  type Upload,
  uploadNameFault,
  uploadPath,
} from "../domain/uploads.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import { GRACE_MS } from "./hand-in.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";
import type { UploadFiles } from "./ports/uploads.ts";

/** No result carries more; a larger file stays with the supervisor that got it. */
const MOST_SHARED_BYTES = 8 * 1024 * 1024;

/** A file as it comes in. */
export type Sent = { readonly body: AsyncIterable<Uint8Array>; readonly bytes?: number };

export type UploadAnswer = {
  readonly runId: string;
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  /** How a handoff may name it; it is listed there in any case. */
  readonly artifact: string;
  readonly repeated: boolean;
};

/** The name under which the bytes of an upload lie in a ledger that several machines share. */
export function uploadBlob(run: string, { attempt, digest }: Pick<Upload, "attempt" | "digest">): string {
  return `upload/${run}/${attempt}/${digest}`;
}

/**
 * Takes a file from an agent without a shared folder. First the bytes are safe, then the ledger says that they are there:
 * a crash in between leaves a file that nobody names, and the same request again goes on.
 */
export function createUpload(deps: {
  readonly engine: Engine;
  readonly ledger: Pick<Ledger, "putBlob" | "members">;
  readonly uploads: UploadFiles;
  readonly verifyToken: (token: string, run: string) => number | undefined;
  readonly settings: () => Pick<Settings, "handoffs">;
  readonly now: () => number;
  readonly crash: Crash;
}) {
  const { engine, ledger, uploads, crash } = deps;
  /** One at a time for each place: which bytes lie there is what the ledger says. */
  const busy = new Map<string, Promise<unknown>>();

  async function admit(runId: string, token: string, name: string) {
    const attempt = deps.verifyToken(token, runId);
    const state = attempt === undefined ? undefined : await engine.read("delegation", runId);
    if (attempt === undefined || !state) {
      throw new Refusal("unauthenticated", "The token does not belong to this run.", {
        hint: "Use the run id and the token exactly as they stand in the prompt.",
      });
    }
    const fault = uploadNameFault(name);
    if (fault) throw new Refusal("invalid_input", `The name ${fault.message}.`, { problems: [fault] });
    const known = findIn(state.uploads, attempt, name);
    const isLate = state.outcome !== undefined && deps.now() - state.outcome.at > GRACE_MS;
    if (isSettled(state.status) && (isLate || !known)) throw tooLate(runId, state.status);
    return { attempt, known, uploads: state.uploads ?? [] };
  }

  return async function upload(
    runId: string,
    token: string,
    name: string,
    sent: Sent,
  ): Promise<UploadAnswer> {
    const { attempt, known, uploads: before } = await admit(runId, token, name);
    const { uploadMax, uploadMaxTotal } = deps.settings().handoffs;
    const least = { attempt, bytes: sent.bytes ?? 0 };
    if (least.bytes > uploadMax) throw fileTooLarge(uploadMax);
    if (!known && !hasRoomFor(before, least, uploadMaxTotal)) throw noRoom(attempt, uploadMaxTotal);
    const place = { run: runId, attempt, name };
    const taken = await uploads.take(place, sent.body, uploadMax);
    const file: Upload = { attempt, name, digest: taken.digest, bytes: taken.bytes, at: deps.now() };
    try {
      const repeated = await inTurn(uploadPath(runId, file), async () => {
        const state = await engine.read("delegation", runId);
        const there = findIn(state?.uploads, attempt, name);
        if (there) {
          if (there.digest !== file.digest) throw changed(name);
          if (!(await uploads.has(place, file.digest))) await taken.keep();
          return true;
        }
        if (ledger.members && file.bytes <= MOST_SHARED_BYTES) {
          const bytes = await taken.read();
          await ledger.putBlob(uploadBlob(runId, file), Buffer.from(bytes).toString("base64"));
        }
        await taken.keep();
        crash("upload:stored");
        await record(runId, file, uploadMaxTotal);
        crash("upload:recorded");
        return false;
      });
      const { digest, bytes } = file;
      return { runId, name, digest, bytes, artifact: uploadPath(runId, file), repeated };
    } finally {
      await taken.drop();
    }
  };

  async function record(runId: string, file: Upload, mostBytes: number): Promise<void> {
    const { state } = await engine.accept({
      kind: "delegation",
      stream: runId,
      input: { type: "upload", upload: file, mostBytes },
      cause: `upload:${uploadPath(runId, file)}`,
    });
    const there = findIn(state?.uploads, file.attempt, file.name);
    if (there?.digest === file.digest) return;
    if (there) throw changed(file.name);
    if (state && isSettled(state.status)) throw tooLate(runId, state.status);
    throw noRoom(file.attempt, mostBytes);
  }

  async function inTurn<T>(path: string, act: () => Promise<T>): Promise<T> {
    const turn = (busy.get(path) ?? Promise.resolve()).then(act, act);
    busy.set(path, turn);
    try {
      return await turn;
    } finally {
      if (busy.get(path) === turn) busy.delete(path);
    }
  }
}

function findIn(uploads: readonly Upload[] | undefined, attempt: number, name: string): Upload | undefined {
  return uploads?.find((upload) => upload.attempt === attempt && upload.name === name);
}

function tooLate(runId: string, status: string): Refusal {
  return new Refusal("already_settled", `${runId} is already ${status}: no more files are taken.`, {
    hint: "Files come first, then the handoff.",
  });
}

function changed(name: string): Refusal {
  return new Refusal("handoff_changed", `There is another file ${name} of this attempt already.`, {
    hint: "It was not replaced: choose another name.",
  });
}

function noRoom(attempt: number, most: number): Refusal {
  return new Refusal(
    "too_large",
    `The files of attempt ${attempt} may have ${most} bytes together, and be ${MOST_UPLOADS} at most.`,
    {
      hint: "Send fewer, or say in the handoff where they lie. The limit is handoffs.upload_max_total in config/hq.yaml.",
    },
  );
}
