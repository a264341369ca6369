// Shares the session as a link: the scenario's text, compressed, in the fragment of the URL, which
// is never sent to a server. A scenario that is too long for a link is saved as a file.

import { element, save } from "./dom.ts";
import { Engine } from "./engine.ts";
import { decode, encode, TEXT_MAX } from "./link.ts";
import type { Model } from "./model.ts";
import { bytes, sentence } from "./units.ts";

/** The longest fragment: mail programs and chats cut off longer URLs. */
const LINK_MAX = 8000;

/** The dialog that makes links, and saves and opens files. */
/** The largest snapshot that is opened, in bytes. */
const SNAPSHOT_MAX = 64 << 20;

export class Share {
  readonly #model: Model;
  readonly #dialog = element<HTMLDialogElement>("#share");
  readonly #link = element<HTMLInputElement>("#share-link");
  readonly #status = element("#share-status");
  readonly #play: (text: string) => Promise<void>;

  /** Whether a fragment is not a scenario but an address in the page, which is opened. */
  isElsewhere: (hash: string) => boolean = () => false;

  /** `play` replays a scenario; it throws if the text is invalid. */
  constructor(model: Model, play: (text: string) => Promise<void>) {
    this.#model = model;
    this.#play = play;
    element("#share-open").addEventListener("click", () => void this.#open());
    element("#share-copy").addEventListener("click", () => void this.#copy());
    element("#share-save").addEventListener("click", () => {
      const text = this.#text();
      if (text !== undefined) save("dynamidb-scenario.txt", text);
    });
    const input = element<HTMLInputElement>("#share-file");
    input.addEventListener("change", () => {
      void this.#file(input.files?.[0]).then(() => {
        input.value = "";
      });
    });
    // A file can be dropped anywhere; the form of a load takes files of keys itself.
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      void this.#file(event.dataTransfer?.files[0]);
    });
    addEventListener("hashchange", () => void this.visit());
  }

  /** Replays the URL's scenario, if it has one. */
  async visit(): Promise<void> {
    const hash = location.hash.slice(1);
    element("#notice").textContent = "";
    if (hash === "" || this.isElsewhere(hash)) return;
    await this.#try(async () => this.#play(await decode(hash)));
  }

  /** Shows the items of a snapshot; throws if it is damaged. */
  openSnapshot: (bytes: Uint8Array, name: string) => Promise<void> = async () => {};

  async #file(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    await this.#try(async () => {
      if (Engine.isSnapshot(new Uint8Array(await file.slice(0, 8).arrayBuffer()))) {
        if (file.size > SNAPSHOT_MAX)
          throw new Error(`The snapshot is too large: ${bytes(SNAPSHOT_MAX)} at most.`);
        this.#status.textContent = `Opening ${file.name}…`;
        await this.openSnapshot(new Uint8Array(await file.arrayBuffer()), file.name);
        return this.#dialog.close();
      }
      if (file.size > TEXT_MAX)
        throw new Error(`The file is too large: ${bytes(TEXT_MAX)} at most.`);
      await this.#play(await file.text());
      this.#dialog.close();
    });
  }

  /** Shows the error of an invalid scenario; the page keeps its cache. */
  async #try(play: () => Promise<void>): Promise<void> {
    const notice = element("#notice");
    try {
      notice.textContent = "";
      await play();
    } catch (error) {
      notice.textContent = `${sentence(error)} The page keeps its cache.`;
      this.#status.textContent = notice.textContent;
    }
  }

  async #open(): Promise<void> {
    this.#link.value = "";
    this.#status.textContent = "";
    element("#share-digest").textContent = this.#model.engine.digest();
    this.#dialog.showModal();
    const text = this.#text();
    const copy = element<HTMLButtonElement>("#share-copy");
    const file = element<HTMLButtonElement>("#share-save");
    copy.disabled = true;
    file.disabled = text === undefined;
    if (text === undefined) {
      this.#status.textContent =
        "This session cannot be shared: a load used a file, or the session is too long.";
      return;
    }
    const hash = await encode(text);
    if (hash.length > LINK_MAX) {
      this.#status.textContent = "The session is too long for a link. Save it as a file instead.";
      return;
    }
    this.#link.value = `${location.href.split("#")[0]}#${hash}`;
    this.#status.textContent = `${this.#link.value.length} characters. Nothing is sent anywhere.`;
    copy.disabled = false;
  }

  /** The session, with the digest of its state: whoever replays it can tell if that is the same. */
  #text(): string | undefined {
    const { engine } = this.#model;
    const record = engine.record();
    return record === undefined ? undefined : `${record}digest ${engine.digest()}\n`;
  }

  async #copy(): Promise<void> {
    this.#link.select();
    try {
      await navigator.clipboard.writeText(this.#link.value);
      this.#status.textContent = "Copied.";
    } catch {
      this.#status.textContent = "The browser denied access. The link is selected: copy it.";
    }
  }
}
