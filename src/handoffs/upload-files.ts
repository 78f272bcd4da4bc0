import { createReadStream } from "node:fs";
import { type FileHandle, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileTooLarge, uploadPath } from "../domain/uploads.ts";
import type { UploadFiles } from "../engine/ports/uploads.ts";
import { createDigest, newId } from "../kernel/id.ts";
import { makeFolder } from "./make-folder.ts";

/** Says of a folder below `artifacts` that it is ours, and goes with its run. */
export const UPLOADS_MARK = ".uploads";
const PRIVATE_FILE = 0o600;

/** Files that are handed in over REST, below `artifacts` of the handoff folder: `<run>/<attempt>/<name>`. */
export function createUploadFiles(handoffDir: () => string): UploadFiles {
  const pathOf = (place: Parameters<UploadFiles["has"]>[0]) =>
    join(handoffDir(), "artifacts", uploadPath(place.run, place));
  return {
    async take(place, body, mostBytes) {
      const target = pathOf(place);
      makeFolder(dirname(target));
      await writeFile(join(dirname(dirname(target)), UPLOADS_MARK), "", { mode: PRIVATE_FILE });
      // Hidden, so that it is attached nowhere; by chance, so that two at once do not share it.
      const half = join(dirname(target), `.${newId("part", 0)}`);
      const drop = () => rm(half, { force: true });
      try {
        const file = await open(half, "wx", PRIVATE_FILE);
        const written = await writeAndClose(file, body, mostBytes);
        return {
          ...written,
          read: () => readFile(half),
          async keep() {
            await rename(half, target);
            await syncFolder(dirname(target));
          },
          drop,
        };
      } catch (error) {
        await drop();
        throw error;
      }
    },
    async has(place, digest) {
      const sum = createDigest();
      try {
        for await (const chunk of createReadStream(pathOf(place))) sum.add(chunk as Uint8Array);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
      }
      return sum.text() === digest;
    },
  };
}

async function writeAndClose(file: FileHandle, body: AsyncIterable<Uint8Array>, mostBytes: number) {
  try {
    return await write(file, body, mostBytes);
  } finally {
    await file.close();
  }
}

async function write(file: FileHandle, body: AsyncIterable<Uint8Array>, mostBytes: number) {
  const sum = createDigest();
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw fileTooLarge(mostBytes);
    sum.add(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  return { digest: sum.text(), bytes };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
