/*
 * DynamiDB for C: an in-memory cache with a hard memory bound, an exact LRU, and deadlines to the
 * millisecond.
 *
 *     static uint64_t memory[16 * 1024 / 8];
 *     dynamidb_cache *cache;
 *     dynamidb_item item;
 *     dynamidb_init(memory, sizeof memory, NULL, &cache);
 *     dynamidb_set(cache, now, "t1", 2, "21.5", 4, 60 * 1000);
 *     dynamidb_get(cache, now, "t1", 2, buffer, sizeof buffer, &item);
 *
 * The memory is the caller's, the cache's own state included: nothing is ever allocated, and there
 * is nothing to free. The clock is the caller's: `now` counts milliseconds from an origin that the
 * caller picks and keeps; dynamidb_ticks32 makes it of a counter of 32 bits. The library needs
 * memcpy, memmove, memset and memcmp (bcmp where the compiler prefers it), and no operating system.
 *
 * What is checked: null pointers, misaligned pointers, lengths, memory that is too small,
 * that holds no cache (any more), that was moved, bytes that lie inside the cache's memory, and a
 * session, save or restore that lies in another argument. The call then returns one of the errors
 * below, and writes nothing, neither to the cache nor to the caller; but for the size needed, with
 * DYNAMIDB_BUFFER_TOO_SMALL.
 *
 * What cannot be checked, and is undefined: pointers to memory that is not the caller's or is
 * shorter than stated, two caches in overlapping memory, writing to a cache's memory, and two
 * calls at once with the same cache. Threads share a cache behind a lock; a call made during
 * another one, from a visitor or from an interrupt on the same processor, returns DYNAMIDB_BUSY.
 */
#ifndef DYNAMIDB_H
#define DYNAMIDB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call returns. Zero: success. Above zero: another outcome. Below zero: an error. */
typedef int32_t dynamidb_status;
enum {
    DYNAMIDB_OK = 0,
    DYNAMIDB_NOT_FOUND = 1,    /* there is no item under the key */
    DYNAMIDB_EXISTS = 2,       /* there is an item under the key, so dynamidb_add stored nothing */
    DYNAMIDB_CAS_MISMATCH = 3, /* the item was changed since its cas was read */
    DYNAMIDB_CLOSED = 4,       /* the session is over: send the output, then close */
    DYNAMIDB_COMPLETE = 5,     /* the snapshot is complete: there is nothing more to come */

    DYNAMIDB_NULL_POINTER = -1,
    DYNAMIDB_MISALIGNED = -2,       /* the memory, the handle or a result */
    DYNAMIDB_NOT_A_CACHE = -3,      /* never initialized, released, overwritten or moved */
    DYNAMIDB_BUSY = -4,             /* another call is in progress */
    DYNAMIDB_KEY_LENGTH = -5,       /* a key must have 1 to 250 bytes */
    DYNAMIDB_VALUE_TOO_LARGE = -6,  /* key and value together exceed item_size_max */
    DYNAMIDB_BUFFER_TOO_SMALL = -7, /* item->len is the size needed */
    DYNAMIDB_OVERLAP = -8,          /* an argument lies in the cache or in another one */
    DYNAMIDB_OUT_OF_MEMORY = -9,    /* no space could be freed, in a cache of a few pages */
    DYNAMIDB_NOT_A_NUMBER = -10,    /* the stored value is no decimal number */
    DYNAMIDB_MEMORY_TOO_SMALL = -11, /* see dynamidb_memory_min */
    DYNAMIDB_MEMORY_TOO_LARGE = -12, /* one cache reaches 4 GiB */
    DYNAMIDB_BAD_SLAB_SIZES = -13,   /* 1 to 62 ascending multiples of 16 from 32 to the page size */
    DYNAMIDB_BAD_PAGE_SIZE = -14,    /* a power of two from 512 to 65536 */
    DYNAMIDB_BAD_ITEM_SIZE = -15,    /* 1 byte to 16 MiB */
    DYNAMIDB_BAD_POLICY = -16,
    DYNAMIDB_TOO_MANY_FLUSHES = -17, /* flush_prefix_max of them are under way */
    DYNAMIDB_BAD_FLUSH_PREFIX_MAX = -18, /* at most 63 */
    DYNAMIDB_NOT_A_SESSION = -19,      /* never initialized, overwritten or moved */
    DYNAMIDB_NOT_INITIALIZED = -20,    /* a dynamidb_save or dynamidb_restore, or it was moved */
    DYNAMIDB_NOT_A_SNAPSHOT = -21,     /* it does not begin as one does */
    DYNAMIDB_NEWER_SNAPSHOT = -22,     /* a later version of the library has made it */
    DYNAMIDB_CORRUPTED_SNAPSHOT = -23  /* a checksum is wrong, or bytes come after the end */
};

/* The name of a status, such as "DYNAMIDB_OK"; "unknown" for any other number. */
const char *dynamidb_status_name(dynamidb_status status);

/* A cache. It lies at the beginning of the memory given to dynamidb_init. */
typedef struct dynamidb_cache dynamidb_cache;

/* The alignment that a cache's memory needs, in bytes. */
#define DYNAMIDB_ALIGNMENT 8

/*
 * As a time to live: not by itself; the item may still be evicted. So is one of more than 3000
 * days. Up to 50 days are kept to the millisecond, more to 32 of them; nothing is served late.
 */
#define DYNAMIDB_NEVER UINT64_MAX

/* Which item is evicted when memory is full. */
enum {
    DYNAMIDB_LRU = 0,   /* the least recently used one */
    DYNAMIDB_S3LRU = 1, /* admission queue before the LRU; better where many keys occur only once */
    DYNAMIDB_REFUSE = 2 /* none: what does not fit is rejected with DYNAMIDB_OUT_OF_MEMORY */
};

/* Zero in any field, and NULL instead of all of it, mean the default. */
typedef struct dynamidb_config {
    size_t max_items;         /* the item limit, besides memory */
    size_t item_size_max;     /* bytes of key and value together; at most a quarter of the memory */
    size_t page_size;         /* the unit in which memory moves between slab sizes */
    const size_t *slab_sizes; /* the sizes of chunks; an item takes one to five */
    size_t slab_sizes_len;    /* the number of slab_sizes */
    uint64_t hash_seed[2];    /* random if keys come from untrusted sources */
    uint32_t policy;
    uint32_t compact;         /* not 0: items have no cas, and take 8 bytes less */
    size_t flush_prefix_max;  /* flushes by prefix at once, 256 bytes each; by default one for
                                 every 64 KiB, at most 63 */
} dynamidb_config;

/* Never the cas of an item: what the items of a compact cache have instead. */
#define DYNAMIDB_NO_CAS 0

/* An item without its value. Times are in the caller's milliseconds. */
typedef struct dynamidb_item {
    size_t len;          /* bytes of the value */
    uint64_t cas;        /* changes with every store under this key; DYNAMIDB_NO_CAS if compact */
    uint64_t expires_at; /* or DYNAMIDB_NEVER */
} dynamidb_item;

/* Counters since the cache was initialized, and what it holds now. */
typedef struct dynamidb_stats {
    uint64_t items;
    uint64_t bytes;  /* of the items' chunks */
    uint64_t memory; /* the budget */
    uint64_t get_hits;
    uint64_t get_misses;
    uint64_t sets;
    uint64_t evictions; /* items evicted to free space */
    uint64_t expired;   /* expired items whose memory was reclaimed */
} dynamidb_stats;

/*
 * Initializes a cache in `size` bytes of caller-provided memory and sets *cache to it. What the
 * memory held is overwritten, a cache too. It belongs to the cache until dynamidb_release.
 */
dynamidb_status dynamidb_init(void *memory, size_t size, const dynamidb_config *config,
                              dynamidb_cache **cache);

/* The least memory that dynamidb_init accepts with this configuration. */
dynamidb_status dynamidb_memory_min(const dynamidb_config *config, size_t *size);

/* Returns the memory to the caller. Later calls with the handle return DYNAMIDB_NOT_A_CACHE. */
dynamidb_status dynamidb_release(dynamidb_cache *cache);

/*
 * Copies a value to the buffer; counts as use. *item is written if the value was found, also when
 * the buffer is too small for it. A buffer of size 0 may be NULL.
 */
dynamidb_status dynamidb_get(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             void *buffer, size_t size, dynamidb_item *item);

/* The same, and sets the item's time to live. */
dynamidb_status dynamidb_get_and_touch(dynamidb_cache *cache, uint64_t now, const void *key,
                                       size_t key_len, uint64_t ttl, void *buffer, size_t size,
                                       dynamidb_item *item);

/* Called with each piece of a value, in place. The bytes are valid until it returns. */
typedef void (*dynamidb_visitor)(void *context, const void *piece, size_t len);

/* Passes a value to the visitor without copying it; counts as use. `item` may be NULL. */
dynamidb_status dynamidb_visit(dynamidb_cache *cache, uint64_t now, const void *key,
                               size_t key_len, dynamidb_visitor visitor, void *context,
                               dynamidb_item *item);

/*
 * Stores a value for `ttl` milliseconds, or DYNAMIDB_NEVER. Evicts the least recently used items if
 * memory is full. A value that is too large is rejected, and the item under the key is deleted.
 */
dynamidb_status dynamidb_set(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             const void *value, size_t value_len, uint64_t ttl);

/* Stores a value if there is no item under the key: otherwise DYNAMIDB_EXISTS. */
dynamidb_status dynamidb_add(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             const void *value, size_t value_len, uint64_t ttl);

/* Stores a value if there is an item under the key: otherwise DYNAMIDB_NOT_FOUND. */
dynamidb_status dynamidb_replace(dynamidb_cache *cache, uint64_t now, const void *key,
                                 size_t key_len, const void *value, size_t value_len,
                                 uint64_t ttl);

/*
 * Stores a value if the item under the key still has this cas: otherwise DYNAMIDB_CAS_MISMATCH, or
 * DYNAMIDB_NOT_FOUND if there is no item. No item has DYNAMIDB_NO_CAS.
 */
dynamidb_status dynamidb_compare_and_swap(dynamidb_cache *cache, uint64_t now, const void *key,
                                          size_t key_len, const void *value, size_t value_len,
                                          uint64_t ttl, uint64_t cas);

/* Appends bytes to a value; its time to live stays. */
dynamidb_status dynamidb_append(dynamidb_cache *cache, uint64_t now, const void *key,
                                size_t key_len, const void *bytes, size_t len);

/* The same at the beginning of the value. */
dynamidb_status dynamidb_prepend(dynamidb_cache *cache, uint64_t now, const void *key,
                                 size_t key_len, const void *bytes, size_t len);

/* Sets an item's time to live; counts as use. */
dynamidb_status dynamidb_touch(dynamidb_cache *cache, uint64_t now, const void *key,
                               size_t key_len, uint64_t ttl);

/* Deletes an item. */
dynamidb_status dynamidb_delete(dynamidb_cache *cache, uint64_t now, const void *key,
                                size_t key_len);

/* Adds to a decimal number, wrapping at 2^64. *sum may be NULL. */
dynamidb_status dynamidb_increment(dynamidb_cache *cache, uint64_t now, const void *key,
                                   size_t key_len, uint64_t delta, uint64_t *sum);

/* Subtracts from a decimal number, stopping at 0. *difference may be NULL. */
dynamidb_status dynamidb_decrement(dynamidb_cache *cache, uint64_t now, const void *key,
                                   size_t key_len, uint64_t delta, uint64_t *difference);

/* Deletes all items, in constant time. */
dynamidb_status dynamidb_clear(dynamidb_cache *cache);

/*
 * Deletes all items whose keys begin with these bytes, in constant time: none of them is served any
 * more. Their memory is reclaimed by dynamidb_maintain, and by calls that come across them.
 */
dynamidb_status dynamidb_flush_prefix(dynamidb_cache *cache, const void *prefix,
                                      size_t prefix_len);

/*
 * Called with the key and the attributes of an item; both are valid until it returns. Zero ends
 * the iteration. To read the value, copy the key and call dynamidb_get afterwards.
 */
typedef int (*dynamidb_item_visitor)(void *context, const void *key, size_t key_len,
                                     const dynamidb_item *item);

/* Visits all items that have not expired, the most recently used first; does not count as use. */
dynamidb_status dynamidb_for_each(dynamidb_cache *cache, uint64_t now,
                                  dynamidb_item_visitor visitor, void *context);

/*
 * Changes the budget to anything up to the `size` given to dynamidb_init, the cache's own state
 * included. Nothing more is used from now on; what is in use beyond a smaller budget is given up by
 * stores and by dynamidb_maintain.
 */
dynamidb_status dynamidb_set_memory(dynamidb_cache *cache, size_t size);

/*
 * Does at most `limit` steps of maintenance, each of them short; fewer in *done mean that nothing
 * is left to do. It reclaims the memory of expired and flushed items, which are never served, with
 * or without it. `done` may be NULL.
 */
dynamidb_status dynamidb_maintain(dynamidb_cache *cache, uint64_t now, size_t limit, size_t *done);

/*
 * The time that a counter of 32 bits means, which counts milliseconds and wraps every 49.7 days:
 *
 *     static uint64_t now;
 *     now = dynamidb_ticks32(now, counter);
 *
 * It has to be called at least once in 49.7 days, or a round of the counter is missed. A reading
 * that is older than the last one by at most a minute, as an interrupt may have taken it, means the
 * time of the last one. Begin with now = counter.
 */
uint64_t dynamidb_ticks32(uint64_t now, uint32_t ticks);

/*
 * A session: one client's conversation in memcached's text protocol, with meta commands, and in
 * DynamiDB's own. It takes bytes and makes bytes, so it serves any line: a UART, a socket, a pipe.
 *
 *     dynamidb_session session;
 *     dynamidb_session_init(&session, 200);
 *     for (;;) {
 *         in_len += receive(in + in_len, sizeof in - in_len);
 *         do {
 *             status = dynamidb_session_process(cache, &session, now, in, in_len, &used, out,
 *                                               sizeof out, &out_len);
 *             send(out, out_len);
 *             memmove(in, in + used, in_len -= used);
 *         } while (status == DYNAMIDB_OK && (used > 0 || out_len > 0));
 *         if (status != DYNAMIDB_OK)
 *             break;
 *     }
 *
 * Clients that send dates (exptimes above thirty days) need `now` to count from the Unix epoch.
 */
#define DYNAMIDB_SESSION_SIZE 128
typedef union dynamidb_session {
    uint64_t alignment;
    unsigned char bytes[DYNAMIDB_SESSION_SIZE];
} dynamidb_session;

/* The least output of a session: any reply without a value. */
#define DYNAMIDB_SESSION_OUTPUT_MIN 80

/*
 * Begins a conversation, in which items have at most `item_size_max` bytes of key and value
 * together; 0 means 1 MiB. There is nothing to release.
 */
dynamidb_status dynamidb_session_init(dynamidb_session *session, size_t item_size_max);

/* The input that a session may have to see at once, and the output that the reply to any request
 * for an item fits. */
dynamidb_status dynamidb_session_buffer_sizes(dynamidb_session *session, size_t *input,
                                              size_t *output);

/*
 * Executes the complete requests at the front of the input, writes the replies to `output` from its
 * beginning, and sets *used to the bytes of input that are done with and *output_len to the length
 * of the replies. Send these, remove those, and call it again, with what has arrived meanwhile,
 * until both are 0: then it needs more input.
 *
 * A request is executed only if its reply fits; otherwise a later call does it. If it would not fit
 * an empty output, the client reads "SERVER_ERROR out of memory writing response". The buffers may
 * not overlap.
 */
dynamidb_status dynamidb_session_process(dynamidb_cache *cache, dynamidb_session *session,
                                         uint64_t now, const void *input, size_t input_len,
                                         size_t *used, void *output, size_t output_size,
                                         size_t *output_len);

/* Copies the counters to *stats. */
dynamidb_status dynamidb_get_stats(dynamidb_cache *cache, dynamidb_stats *stats);

/*
 * Snapshots: a cache as a file, for a device that restarts, or for a program that ends.
 *
 *     dynamidb_save save;
 *     dynamidb_save_init(&save, now, 0);
 *     while (dynamidb_save_next(cache, &save, now, buffer, sizeof buffer, &len) == DYNAMIDB_OK)
 *         flash_append(buffer, len);
 *
 *     dynamidb_restore restore;
 *     dynamidb_restore_init(&restore, now, 0, buffer, sizeof buffer);
 *     while ((len = flash_read(sector, sizeof sector)) > 0)
 *         if ((status = dynamidb_restore_next(cache, &restore, sector, len, NULL)) != DYNAMIDB_OK)
 *             break;
 *     if (status != DYNAMIDB_COMPLETE)
 *         dynamidb_clear(cache);
 *
 * The file is one of any other DynamiDB: another configuration, size of memory, version or platform
 * restores it, and so does the server. Items keep value, flags, time to live and time of last use;
 * cas goes on. The cache may be used between two pieces of either: each item is saved as it was at
 * some moment of the save, no key twice. They come back in the order of the seconds of their last
 * use; items of a compact cache have no such time and come back in no order.
 *
 * The functions check the checksum of each piece before they store anything of it. Snapshots
 * that somebody has forged can contain other items, and do no other harm.
 */

/* A save in progress. The caller provides the memory and leaves it where it is. */
typedef struct dynamidb_save {
    uint64_t state[48];
} dynamidb_save;

/* A restore in progress. The caller provides the memory and leaves it where it is. */
typedef struct dynamidb_restore {
    uint64_t state[40];
} dynamidb_restore;

/* What became of the items of a snapshot so far. */
typedef struct dynamidb_restored {
    uint64_t stored;  /* if memory is full, later ones have evicted earlier ones */
    uint64_t expired; /* meanwhile */
    uint64_t refused; /* larger than item_size_max */
} dynamidb_restored;

/* The size of a buffer that is enough for items of at most that many bytes of key and value. */
#define DYNAMIDB_SNAPSHOT_BUFFER(item_size_max) ((item_size_max) + 54)

/*
 * Begins a save. `unix_time` is the wall clock in milliseconds since 1970, or 0 if there is none:
 * if there is one at the restore too, the time in between counts for times to live.
 */
dynamidb_status dynamidb_save_init(dynamidb_save *save, uint64_t now, uint64_t unix_time);

/*
 * Makes the next piece in the buffer and sets *len to its length, which may be 0. DYNAMIDB_COMPLETE
 * means that the piece before was the last one. With DYNAMIDB_BUFFER_TOO_SMALL, *len is the size
 * needed, and nothing is lost: call it again with a larger buffer.
 */
dynamidb_status dynamidb_save_next(dynamidb_cache *cache, dynamidb_save *save, uint64_t now,
                                   void *buffer, size_t size, size_t *len);

/*
 * Begins a restore. The buffer belongs to it until its last call. It has to be as large as the
 * largest buffer of the save, or may be NULL with size 0 if all of the file comes in one call.
 */
dynamidb_status dynamidb_restore_init(dynamidb_restore *restore, uint64_t now, uint64_t unix_time,
                                      void *buffer, size_t size);

/*
 * Takes the next bytes of the file, any number of them, and stores what they complete. Returns
 * DYNAMIDB_OK if there is more to come, so a file that ends with it is truncated, and
 * DYNAMIDB_COMPLETE at the end. What the cache has already stays, unless the file has the same key.
 * After an error the restore is over; what was stored before stays, until dynamidb_clear.
 * `restored` may be NULL.
 */
dynamidb_status dynamidb_restore_next(dynamidb_cache *cache, dynamidb_restore *restore,
                                      const void *bytes, size_t len, dynamidb_restored *restored);

#ifdef __cplusplus
}
#endif

#endif
