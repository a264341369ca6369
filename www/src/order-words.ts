// What the ends of the list of items are called: that depends on how the next one to go is chosen.

export interface OrderWords {
  first: string;
  last: string;
  /** What the queue of new items is called, if it is the part that goes first. */
  queue: string;
  /** A new item that has not been used again yet. */
  isNew: string;
  /** The ends of the scale of colours; the idle time is that of the last item. */
  from: string;
  to: (idle: string) => string;
  /** Why the last one went. */
  why: string;
  whyQueued: string;
  /** What using an item does. */
  hint: string;
}

/** The list is in the order of use, and its last item is the next to go. */
export const BY_USE: OrderWords = {
  first: "Just used",
  last: "Next to go",
  queue: "Next to go: the queue",
  isNew: "queued",
  from: "just used",
  to: (idle) => `idle ${idle}, next to go`,
  why: "it had been idle longest",
  whyQueued: "it was the oldest in the queue",
  hint: "Read one, and it moves to the front. The last in line goes next.",
};

/** `density`: an item that is large and not that old may go before an older one. */
export const BY_DENSITY: OrderWords = {
  first: "Goes last",
  last: "Next to go",
  queue: "Next to go",
  isNew: "new",
  from: "goes last",
  to: () => "next to go, by age and size",
  why: "its age and size together weighed most",
  whyQueued: "its age and size together weighed most",
  hint: "Read one, and it goes later; a large one goes earlier. The last in line goes next.",
};

/** A sample in the order of use, of a cache that evicts by `density`. */
export const BY_USE_ALONE: OrderWords = {
  ...BY_DENSITY,
  first: "Just used",
  last: "Idle longest",
  queue: "Idle longest",
  from: "just used",
  to: (idle) => `idle ${idle}`,
};
