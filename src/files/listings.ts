import { provenFiles, type Sibling } from "./siblings.ts";

/** Directories as they were listed last: one listing serves all files that are looked for in it. */
export class Listings {
  readonly #byDirectory = new Map<string, Promise<readonly Sibling[] | undefined>>();

  of(directory: string, roots: readonly string[]): Promise<readonly Sibling[] | undefined> {
    const listing = this.#byDirectory.get(directory) ?? provenFiles(directory, roots);
    this.#byDirectory.set(directory, listing);
    return listing;
  }

  forget(directory: string): void {
    this.#byDirectory.delete(directory);
  }
}
