import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Crash } from "../engine/ports/log.ts";
import type { WorkspaceFiles } from "../engine/ports/workspace-files.ts";
import { digestOf } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";

const MOST_BYTES = 1 << 20;
const NEW_FILE = 0o644;

/** The files of agents' workspaces on this machine. */
export function createWorkspaceFiles(crash: Crash): WorkspaceFiles {
  return {
    read: async (workspace, name) => look(placeOf(workspace, name)).text,
    async write(workspace, name, { before, text }) {
      const path = placeOf(workspace, name);
      const half = join(dirname(path), `.${name}.hq-tmp`);
      // What a killed process left.
      rmSync(half, { force: true });
      const { mode } = look(path);
      const file = openSync(half, "wx", mode);
      try {
        fchmodSync(file, mode);
        writeFileSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      crash("proposals:half");
      if (digestOf(look(path).text) !== before) {
        rmSync(half, { force: true });
        return false;
      }
      renameSync(half, path);
      syncFolder(dirname(path));
      crash("proposals:renamed");
      return true;
    },
  };
}

function placeOf(workspace: string, name: string): string {
  const root = realOf(workspace);
  const path = join(root, name);
  if (relative(root, realOf(dirname(path))) !== "" || relative(root, path) !== name)
    throw notWritten(path, "is not directly in the workspace");
  return path;
}

function realOf(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (cause) {
    throw notWritten(folder, "cannot be found", cause);
  }
}

/** A link is never followed, not even one that was put there this moment. */
function look(path: string): { readonly text: string; readonly mode: number } {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return { text: "", mode: NEW_FILE };
  if (!there.isFile()) throw notWritten(path, there.isSymbolicLink() ? "is a symbolic link" : "is no file");
  if (there.size > MOST_BYTES) throw notWritten(path, `is larger than ${MOST_BYTES} bytes`);
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw notWritten(path, "cannot be read", cause);
  }
  try {
    return { text: readFileSync(file, "utf8"), mode: fstatSync(file).mode & 0o777 };
  } finally {
    closeSync(file);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function notWritten(path: string, why: string, cause?: unknown): Refusal {
  return new Refusal("not_allowed", `${path} ${why}: it is not written.`, {
    hint: "Make it an ordinary file in the agent's workspace, or take `writable` out of config/agents.yaml: then the agent gets the proposals.",
    cause,
  });
}
