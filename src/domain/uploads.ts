import { type Problem, Refusal } from "../kernel/refusal.ts";
import type { Handoff } from "./handoff-types.ts";

/** A file that an agent without a shared folder handed in, before its handoff. */
export type Upload = {
  readonly attempt: number;
  readonly name: string;
  /** SHA-256 of its bytes. */
  readonly digest: string;
  readonly bytes: number;
  readonly at: number;
};

/** An attempt brings no more files than its handoff can list. */
export const MOST_UPLOADS = 100;
const LONGEST_NAME = 200;

/**
 * What is wrong with the name of a file that is handed in; undefined when it is fine. One plain name: nothing that leads
 * elsewhere, hides itself, or means something to a shell or a terminal.
 */
export function uploadNameFault(name: string): Problem | undefined {
  const fault = (message: string) => ({ path: "name", message });
  if (name === "") return fault("is empty");
  if (name.length > LONGEST_NAME) return fault(`is longer than ${LONGEST_NAME} characters`);
  if (name.startsWith(".")) return fault("begins with a dot; hidden files are not taken");
  if (/^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M} ._+@()-]*[\p{L}\p{N}\p{M}_+@)-])?$/u.test(name)) return undefined;
  return fault("must be one file name of letters, digits, blanks and . _ - + @ ( ), without a folder");
}

/** Where it lies below the folder of artifacts; also how handoffs, results and later steps name it. */
export function uploadPath(run: string, { attempt, name }: Pick<Upload, "attempt" | "name">): string {
  return `${run}/${attempt}/${name}`;
}

/** Reads such a path again; undefined when it is another one. */
export function readUploadPath(
  path: string,
): { readonly run: string; readonly attempt: number; readonly name: string } | undefined {
  const [, run, digits, name] = /^([^/]+)\/([1-9]\d{0,3})\/([^/]+)$/.exec(path) ?? [];
  if (run === undefined || name === undefined || uploadNameFault(name)) return undefined;
  return { run, attempt: Number(digits), name };
}

export function fileTooLarge(mostBytes: number): Refusal {
  return new Refusal("too_large", `A file may have at most ${mostBytes} bytes.`, {
    hint: "Send less, or say in the handoff where it lies. The limit is handoffs.upload_max in config/hq.yaml.",
  });
}

/** Whether an attempt may bring this one too. */
export function hasRoomFor(
  uploads: readonly Upload[],
  { attempt, bytes }: Pick<Upload, "attempt" | "bytes">,
  mostBytes: number,
): boolean {
  const own = uploads.filter((upload) => upload.attempt === attempt);
  return own.length < MOST_UPLOADS && own.reduce((sum, one) => sum + one.bytes, bytes) <= mostBytes;
}

/**
 * The handoff with the files that its attempt uploaded: an artifact that names one is the file, however it was written,
 * and one that it does not name is listed all the same.
 */
export function withUploads(
  handoff: Handoff,
  run: string,
  attempt: number,
  uploads: readonly Upload[],
): Handoff {
  const own = uploads.filter((upload) => upload.attempt === attempt);
  if (own.length === 0) return handoff;
  const named = handoff.artifacts.map((artifact) => {
    const said = nameIn(artifact, run);
    const found = own.find(({ name }) => said === name || said === encodeURIComponent(name));
    return found ? uploadPath(run, found) : artifact;
  });
  return { ...handoff, artifacts: [...new Set([...named, ...own.map((one) => uploadPath(run, one))])] };
}

/** The last part of a path, on whatever machine; of links only the address that it was sent to. */
function nameIn(artifact: string, run: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(artifact)) return artifact.split(/[/\\]/).at(-1);
  const [, name] = artifact.split(`/handoffs/${run}/artifacts/`);
  return name;
}
