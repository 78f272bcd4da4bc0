import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Documents, Kind } from "./documents.ts";
import { isSnowflake, olderFirst } from "./snowflake.ts";

/**
 * The guild's documents: an append-only file of lines `["kind","id",{…}]`, the last line of an id wins and
 * `["kind","id"]` deletes. `put` returns after the line was handed to the operating system, so a killed process
 * loses nothing. Documents are read back from the file when needed; only the newest stay in memory.
 */
export type Store = {
  readonly get: <K extends Kind>(kind: K, id: string) => Documents[K] | undefined;
  readonly put: <K extends Kind>(kind: K, id: string, document: Documents[K]) => void;
  readonly delete: (kind: Kind, id: string) => void;
  readonly ids: (kind: Kind) => string[];
  /** The largest snowflake that was ever a key at the time of opening, of deleted documents too. */
  readonly highestId: string;
  readonly close: () => void;
};

type Place = { readonly offset: number; readonly length: number };

const LINE = /^\["([a-z]+)","([^"\\]*)"(,|\])/;
const CACHED_DOCUMENTS = 300;
const WORTH_COMPACTING = 256 * 1024;

export function createMemoryStore(): Store {
  const kinds = new Map<Kind, Map<string, Documents[Kind]>>();
  const of = (kind: Kind) => {
    const known = kinds.get(kind) ?? new Map<string, Documents[Kind]>();
    kinds.set(kind, known);
    return known;
  };
  return {
    get: <K extends Kind>(kind: K, id: string) => of(kind).get(id) as Documents[K] | undefined,
    put: (kind, id, document) => void of(kind).set(id, document),
    delete: (kind, id) => void of(kind).delete(id),
    ids: (kind) => [...of(kind).keys()],
    highestId: "0",
    close: () => kinds.clear(),
  };
}

export function openStore(folder: string): Store {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "guild.jsonl");
  const index = new Map<Kind, Map<string, Place>>();
  const cache = new Map<string, Documents[Kind]>();
  const of = (kind: Kind) => {
    const known = index.get(kind) ?? new Map<string, Place>();
    index.set(kind, known);
    return known;
  };

  let fd = openSync(path, "a+", 0o600);
  let highest = "0";
  let size = load();

  /** Fills the index; returns the length of the whole lines. What is after them was torn and is cut off. */
  function load(): number {
    const bytes = readFileSync(path);
    let start = 0;
    let live = 0;
    for (let end = bytes.indexOf(10); end !== -1; start = end + 1, end = bytes.indexOf(10, start)) {
      const match = LINE.exec(bytes.toString("latin1", start, Math.min(end, start + 96)));
      if (!match?.[1] || match[2] === undefined) continue;
      const places = of(match[1] as Kind);
      const own = match[2].slice(match[2].lastIndexOf("/") + 1);
      if (isSnowflake(own) && olderFirst(highest, own) < 0) highest = own;
      live -= places.get(match[2])?.length ?? 0;
      if (match[3] === "]") {
        places.delete(match[2]);
        continue;
      }
      places.set(match[2], { offset: start, length: end - start });
      live += end - start;
    }
    if (start < bytes.length) ftruncateSync(fd, start);
    return start > WORTH_COMPACTING && live < start / 2 ? compact(bytes) : start;
  }

  /** Writes what is alive into a new file and puts it in the old one's place. */
  function compact(bytes: Buffer): number {
    const next = `${path}.next`;
    const target = openSync(next, "w", 0o600);
    let offset = 0;
    for (const places of index.values()) {
      for (const [id, place] of places) {
        writeSync(target, bytes, place.offset, place.length + 1);
        places.set(id, { offset, length: place.length });
        offset += place.length + 1;
      }
    }
    fsyncSync(target);
    closeSync(target);
    closeSync(fd);
    renameSync(next, path);
    fd = openSync(path, "a+", 0o600);
    return offset;
  }

  function append(line: string): Place {
    const bytes = Buffer.from(`${line}\n`);
    const offset = size;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    } catch (cause) {
      ftruncateSync(fd, size);
      throw new Error("the guild's journal cannot be written", { cause });
    }
    size += bytes.length;
    return { offset, length: bytes.length - 1 };
  }

  function remember(key: string, document: Documents[Kind]): void {
    cache.delete(key);
    cache.set(key, document);
    if (cache.size <= CACHED_DOCUMENTS) return;
    const oldest = cache.keys().next();
    if (!oldest.done) cache.delete(oldest.value);
  }

  function read(place: Place): Documents[Kind] {
    const bytes = Buffer.allocUnsafe(place.length);
    readSync(fd, bytes, 0, place.length, place.offset);
    return (JSON.parse(bytes.toString("utf8")) as [Kind, string, Documents[Kind]])[2];
  }

  return {
    get<K extends Kind>(kind: K, id: string) {
      const place = of(kind).get(id);
      if (!place) return undefined;
      const key = `${kind}/${id}`;
      const document = cache.get(key) ?? read(place);
      remember(key, document);
      return document as Documents[K];
    },
    put(kind, id, document) {
      of(kind).set(id, append(`["${kind}","${id}",${JSON.stringify(document)}]`));
      remember(`${kind}/${id}`, document);
    },
    delete(kind, id) {
      if (!of(kind).has(id)) return;
      append(`["${kind}","${id}"]`);
      of(kind).delete(id);
      cache.delete(`${kind}/${id}`);
    },
    ids: (kind) => [...of(kind).keys()],
    highestId: highest,
    close: () => closeSync(fd),
  };
}
