const PAGE = 50;

/** A list from REST, newest first, that grows by a page whenever older ones are asked for. */
export function createPaged(app, path) {
  let pages = 1;
  let items = [];
  let next;

  return {
    items: () => items,
    hasOlder: () => next !== undefined,
    /** From the newest one on, as many pages as are shown. */
    async load(query) {
      const found = [];
      let before;
      for (let page = 0; page < pages; page++) {
        const answer = await app.api.get(path, { ...query, before, limit: PAGE });
        found.push(...answer.items);
        before = answer.next;
        if (before === undefined) break;
      }
      items = found;
      next = before;
    },
    older() {
      pages += 1;
      app.reload();
    },
    /** The first page of another list. */
    again() {
      pages = 1;
      app.reload();
    },
  };
}
