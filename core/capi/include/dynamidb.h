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
 * caller picks and keeps; dynamidb_ticks32 makes it of a counter of 32 bits. The library needs memcpy, memmove, memset and memcmp (bcmp where the
 * compiler prefers it), and no operating system.
 *
 * What is checked: null pointers, misaligned pointers, lengths, memory that is too small, that is no
 * cache (any more), that was moved, and bytes that lie inside the cache's own memory. The answer is
 * then one of the errors below, and nothing is written, neither to the cache nor to the caller.
 *
 * What cannot be checked, and is undefined: pointers to memory that is not the caller's or is
 * shorter than was said, two caches in overlapping memory, writing to a cache's memory, and two
 * calls at once with the same cache. Threads share a cache behind a lock; a call that comes in the
 * middle of another one, from a visitor or from an interrupt on the same processor, is answered
 * DYNAMIDB_BUSY.
 */
#ifndef DYNAMIDB_H
#define DYNAMIDB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call answers. Zero: done. Above zero: an answer. Below zero: an error. */
typedef int32_t dynamidb_status;
enum {
    DYNAMIDB_OK = 0,
    DYNAMIDB_NOT_FOUND = 1,  /* there is no such item */
    DYNAMIDB_NOT_STORED = 2, /* add found an item, or replace found none */
    DYNAMIDB_EXISTS = 3,     /* the item was changed since its cas was read */

    DYNAMIDB_NULL_POINTER = -1,
    DYNAMIDB_MISALIGNED = -2,       /* the memory, the handle or a result */
    DYNAMIDB_NOT_A_CACHE = -3,      /* never made, released, overwritten or moved */
    DYNAMIDB_BUSY = -4,             /* another call is being carried out */
    DYNAMIDB_KEY_LENGTH = -5,       /* a key has 1 to 250 bytes */
    DYNAMIDB_VALUE_TOO_LARGE = -6,  /* key and value together are larger than the largest item */
    DYNAMIDB_BUFFER_TOO_SMALL = -7, /* item->len says how much is needed */
    DYNAMIDB_OVERLAP = -8,          /* the bytes lie in the cache's own memory */
    DYNAMIDB_OUT_OF_MEMORY = -9,    /* no room could be made, in a cache of a few pages */
    DYNAMIDB_NOT_A_NUMBER = -10,    /* the stored value is no decimal number */
    DYNAMIDB_MEMORY_TOO_SMALL = -11, /* see dynamidb_memory_min */
    DYNAMIDB_MEMORY_TOO_LARGE = -12, /* one cache reaches 4 GiB */
    DYNAMIDB_BAD_SLAB_SIZES = -13,   /* 1 to 62 ascending multiples of 16 from 32 to the page size */
    DYNAMIDB_BAD_PAGE_SIZE = -14,    /* a power of two from 512 to 65536 */
    DYNAMIDB_BAD_ITEM_SIZE = -15,    /* 1 byte to 16 MiB */
    DYNAMIDB_BAD_POLICY = -16
};

/* The name of a status, such as "DYNAMIDB_OK"; "unknown" for a number that is none. */
const char *dynamidb_status_name(dynamidb_status status);

/* A cache. It lies at the beginning of the memory that was lent to it. */
typedef struct dynamidb_cache dynamidb_cache;

/* What lent memory is aligned to, in bytes. */
#define DYNAMIDB_ALIGNMENT 8

/*
 * As a time to live: not by itself; the item may still be evicted. So is one of more than 3000
 * days. Up to 50 days are kept to the millisecond, more to 32 of them; nothing is served late.
 */
#define DYNAMIDB_NEVER UINT64_MAX

/* Which item goes when room is needed. */
enum {
    DYNAMIDB_LRU = 0,   /* the least recently used one */
    DYNAMIDB_S3LRU = 1  /* new items wait in a queue; better where many keys come only once */
};

/* Zero in any field, and NULL instead of all of it, mean the default. */
typedef struct dynamidb_config {
    size_t max_items;         /* items at most, if memory is not the only limit */
    size_t item_size_max;     /* bytes of key and value together; a quarter of the memory at most */
    size_t page_size;         /* the unit in which memory moves between slab sizes */
    const size_t *slab_sizes; /* the sizes of chunks, of which an item takes one or a few */
    size_t slab_sizes_len;    /* how many there are */
    uint64_t hash_seed[2];    /* random, wherever others choose the keys */
    uint32_t policy;
    uint32_t compact;         /* not 0: items have no cas, and are 8 bytes smaller */
} dynamidb_config;

/* What is known of an item. Times are in the caller's milliseconds. */
typedef struct dynamidb_item {
    size_t len;          /* bytes of the value */
    uint64_t cas;        /* changes with every store under this key; 0 if the cache is compact */
    uint64_t expires_at; /* or DYNAMIDB_NEVER */
} dynamidb_item;

/* What happened since the cache was made, and what it holds now. */
typedef struct dynamidb_stats {
    uint64_t items;
    uint64_t bytes;  /* of the chunks that hold them */
    uint64_t memory; /* the budget */
    uint64_t get_hits;
    uint64_t get_misses;
    uint64_t sets;
    uint64_t evictions; /* items dropped to make room */
    uint64_t expired;   /* items given back because their time had passed */
} dynamidb_stats;

/*
 * Makes a cache in `size` bytes of memory and lets *cache refer to it. What the memory held does
 * not matter; a cache that was in it is forgotten. It is the cache's until dynamidb_release.
 */
dynamidb_status dynamidb_init(void *memory, size_t size, const dynamidb_config *config,
                              dynamidb_cache **cache);

/* The least memory that dynamidb_init takes with this configuration. */
dynamidb_status dynamidb_memory_min(const dynamidb_config *config, size_t *size);

/* Gives the memory back to the caller. The handle is DYNAMIDB_NOT_A_CACHE from now on. */
dynamidb_status dynamidb_release(dynamidb_cache *cache);

/*
 * Copies a value to the buffer; counts as use. *item is written if the value was found, also when
 * the buffer is too small for it. A buffer of no size may be NULL.
 */
dynamidb_status dynamidb_get(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             void *buffer, size_t size, dynamidb_item *item);

/* Shown a value piece by piece, where it lies. The bytes are only there until it returns. */
typedef void (*dynamidb_visitor)(void *context, const void *piece, size_t len);

/* Shows a value to the visitor without copying it; counts as use. `item` may be NULL. */
dynamidb_status dynamidb_visit(dynamidb_cache *cache, uint64_t now, const void *key,
                               size_t key_len, dynamidb_visitor visitor, void *context,
                               dynamidb_item *item);

/*
 * Stores a value for `ttl` milliseconds, or DYNAMIDB_NEVER. Evicts the least recently used items if
 * room is needed. A value that is too large is refused, and what was under the key is gone.
 */
dynamidb_status dynamidb_set(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             const void *value, size_t value_len, uint64_t ttl);

/* The same if there is no item under the key: otherwise DYNAMIDB_NOT_STORED. */
dynamidb_status dynamidb_add(dynamidb_cache *cache, uint64_t now, const void *key, size_t key_len,
                             const void *value, size_t value_len, uint64_t ttl);

/* The same if there is an item under the key: otherwise DYNAMIDB_NOT_STORED. */
dynamidb_status dynamidb_replace(dynamidb_cache *cache, uint64_t now, const void *key,
                                 size_t key_len, const void *value, size_t value_len,
                                 uint64_t ttl);

/* The same if nobody stored another value since this cas was read: otherwise DYNAMIDB_EXISTS. */
dynamidb_status dynamidb_compare_and_swap(dynamidb_cache *cache, uint64_t now, const void *key,
                                          size_t key_len, const void *value, size_t value_len,
                                          uint64_t ttl, uint64_t cas);

/* Lets an item end at another time; counts as use. */
dynamidb_status dynamidb_touch(dynamidb_cache *cache, uint64_t now, const void *key,
                               size_t key_len, uint64_t ttl);

/* Removes an item. */
dynamidb_status dynamidb_delete(dynamidb_cache *cache, uint64_t now, const void *key,
                                size_t key_len);

/* Adds to a decimal number, wrapping at 2^64. *sum may be NULL. */
dynamidb_status dynamidb_increment(dynamidb_cache *cache, uint64_t now, const void *key,
                                   size_t key_len, uint64_t delta, uint64_t *sum);

/* Subtracts from a decimal number, stopping at 0. *difference may be NULL. */
dynamidb_status dynamidb_decrement(dynamidb_cache *cache, uint64_t now, const void *key,
                                   size_t key_len, uint64_t delta, uint64_t *difference);

/* Removes everything, in the same time however much there is. */
dynamidb_status dynamidb_clear(dynamidb_cache *cache);

/*
 * Does at most `limit` steps of upkeep, each of them short; fewer in *done mean that nothing is
 * left to do. Nothing is served past its time without it; with it, the memory comes back. `done`
 * may be NULL.
 */
dynamidb_status dynamidb_tick(dynamidb_cache *cache, uint64_t now, size_t limit, size_t *done);

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

/* The counters. */
dynamidb_status dynamidb_get_stats(dynamidb_cache *cache, dynamidb_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
