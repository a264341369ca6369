/* Tests the header in a C program. Run under valgrind, which checks the bounds of every buffer. */
#include "dynamidb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            exit(EXIT_FAILURE);                                                              \
        }                                                                                    \
    } while (0)

/* Memory of exactly this size, with unspecified contents. */
static void *allocate(size_t size) {
    void *memory = malloc(size);
    CHECK(memory != NULL);
    return memory;
}

/* The example at the top of the header. */
static void example_of_the_header(void) {
    static uint64_t memory[16 * 1024 / 8];
    dynamidb_cache *cache;
    dynamidb_item item;
    char value[8];
    uint64_t now = 0;
    CHECK(dynamidb_init(memory, sizeof memory, NULL, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, now, "t1", 2, "21.5", 4, 60 * 1000) == DYNAMIDB_OK);
    CHECK(dynamidb_get(cache, now, "t1", 2, value, sizeof value, &item) == DYNAMIDB_OK);
    CHECK(item.len == 4 && memcmp(value, "21.5", 4) == 0 && item.expires_at == 60 * 1000);
    CHECK(dynamidb_get(cache, 60 * 1000, "t1", 2, value, sizeof value, &item)
          == DYNAMIDB_NOT_FOUND);
}

#define KEYS 512
#define VALUE_MAX 900

/* What every key must hold, if it is present: `len` bytes, all of them `byte`. */
struct expected {
    int present;
    unsigned char byte;
    size_t len;
    uint64_t expires_at;
};

static uint64_t random_state = 1;
static uint32_t random_below(uint32_t end) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % end;
}

static void check_value(dynamidb_cache *cache, uint64_t now, const char *key, size_t key_len,
                        struct expected *expected) {
    dynamidb_item item = {0, 0, 0};
    unsigned char *buffer = allocate(expected->len + 1);
    size_t at;
    dynamidb_status status =
        dynamidb_get(cache, now, key, key_len, buffer, expected->len, &item);
    if (status == DYNAMIDB_NOT_FOUND) {
        expected->present = 0; /* evicted or expired */
    } else {
        CHECK(status == DYNAMIDB_OK && expected->present && item.len == expected->len);
        CHECK(item.expires_at == expected->expires_at && now < expected->expires_at);
        for (at = 0; at < item.len; at++)
            CHECK(buffer[at] == expected->byte);
    }
    free(buffer);
}

static void store_value(dynamidb_cache *cache, uint64_t now, const char *key, size_t key_len,
                        struct expected *expected) {
    uint64_t ttl = random_below(4) == 0 ? 1 + random_below(3000) : DYNAMIDB_NEVER;
    unsigned char *value;
    expected->present = 1;
    expected->len = random_below(8) == 0 ? random_below(VALUE_MAX) : random_below(40);
    expected->byte = (unsigned char)random_below(256);
    expected->expires_at = ttl == DYNAMIDB_NEVER ? DYNAMIDB_NEVER : now + ttl;
    value = allocate(expected->len + 1);
    memset(value, expected->byte, expected->len);
    CHECK(dynamidb_set(cache, now, key, key_len, value, expected->len, ttl) == DYNAMIDB_OK);
    free(value);
}

/* Many random operations, checked against a model. */
static void operations_match_a_model(size_t size) {
    static struct expected model[KEYS];
    dynamidb_cache *cache;
    dynamidb_stats stats;
    uint64_t now = 1700000000000u;
    char key[16];
    int step;
    void *memory = allocate(size);
    memset(model, 0, sizeof model);
    CHECK(dynamidb_init(memory, size, NULL, &cache) == DYNAMIDB_OK);
    for (step = 0; step < 30000; step++) {
        uint32_t number = random_below(KEYS);
        struct expected *expected = &model[number];
        size_t key_len = (size_t)sprintf(key, "key%u", (unsigned)number);
        now += random_below(4);
        switch (random_below(8)) {
        case 0: case 1: case 2:
            store_value(cache, now, key, key_len, expected);
            break;
        case 3: {
            dynamidb_status status = dynamidb_delete(cache, now, key, key_len);
            CHECK(status == DYNAMIDB_NOT_FOUND || (status == DYNAMIDB_OK && expected->present));
            expected->present = 0;
            break;
        }
        case 4:
            CHECK(dynamidb_maintain(cache, now, 2, NULL) == DYNAMIDB_OK);
            break;
        default:
            check_value(cache, now, key, key_len, expected);
        }
    }
    CHECK(dynamidb_get_stats(cache, &stats) == DYNAMIDB_OK);
    CHECK(stats.evictions > 0 && stats.expired > 0 && stats.get_hits > 0 && stats.items > 0);
    CHECK(dynamidb_release(cache) == DYNAMIDB_OK);
    CHECK(dynamidb_clear(cache) == DYNAMIDB_NOT_A_CACHE);
    free(memory);
}

/* A flush by prefix deletes the items under it, and what is stored later stays. */
static void flush_prefix_deletes_what_was_stored(void) {
    enum { SIZE = 16 * 1024 };
    unsigned char *memory = allocate(SIZE);
    dynamidb_config config = {0, 0, 0, NULL, 0, {0, 0}, 0, 0, 1};
    dynamidb_cache *cache = NULL;
    size_t done = 0;
    CHECK(dynamidb_init(memory, SIZE, &config, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "p:1", 3, "v", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "q:1", 3, "v", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_flush_prefix(cache, "p:", 0) == DYNAMIDB_KEY_LENGTH);
    CHECK(dynamidb_flush_prefix(cache, "p:", 251) == DYNAMIDB_KEY_LENGTH);
    CHECK(dynamidb_flush_prefix(cache, NULL, 2) == DYNAMIDB_NULL_POINTER);
    CHECK(dynamidb_flush_prefix(cache, memory + 100, 2) == DYNAMIDB_OVERLAP);
    CHECK(dynamidb_flush_prefix(cache, "p:", 2) == DYNAMIDB_OK);
    CHECK(dynamidb_flush_prefix(cache, "q:", 2) == DYNAMIDB_TOO_MANY_FLUSHES);
    CHECK(dynamidb_touch(cache, 0, "p:1", 3, DYNAMIDB_NEVER) == DYNAMIDB_NOT_FOUND);
    CHECK(dynamidb_touch(cache, 0, "q:1", 3, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_add(cache, 0, "p:1", 3, "w", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    do {
        CHECK(dynamidb_maintain(cache, 0, 10, &done) == DYNAMIDB_OK);
    } while (done == 10);
    CHECK(dynamidb_flush_prefix(cache, "q:", 2) == DYNAMIDB_OK);
    CHECK(dynamidb_delete(cache, 0, "q:1", 3) == DYNAMIDB_NOT_FOUND);
    CHECK(dynamidb_delete(cache, 0, "p:1", 3) == DYNAMIDB_OK);
    config.flush_prefix_max = 64;
    CHECK(dynamidb_init(memory, SIZE, &config, &cache) == DYNAMIDB_BAD_FLUSH_PREFIX_MAX);
    free(memory);
}

/* Wrong arguments return an error and write nothing. */
static void wrong_arguments_are_rejected(void) {
    enum { SIZE = 16 * 1024 };
    unsigned char *memory = allocate(SIZE);
    unsigned char before[SIZE];
    dynamidb_cache *cache = NULL;
    dynamidb_config config = {0, 0, 0, NULL, 0, {0, 0}, 0, 0, 0};
    size_t least;
    memset(memory, 0xA5, SIZE);
    memcpy(before, memory, SIZE);
    CHECK(dynamidb_memory_min(&config, &least) == DYNAMIDB_OK && least < SIZE);
    CHECK(dynamidb_init(memory, least - 1, &config, &cache) == DYNAMIDB_MEMORY_TOO_SMALL);
    CHECK(dynamidb_init(memory + 1, SIZE - 1, NULL, &cache) == DYNAMIDB_MISALIGNED);
    CHECK(dynamidb_init(NULL, SIZE, NULL, &cache) == DYNAMIDB_NULL_POINTER);
    CHECK(dynamidb_init(memory, SIZE, NULL, NULL) == DYNAMIDB_NULL_POINTER);
    config.policy = 7;
    CHECK(dynamidb_init(memory, SIZE, &config, &cache) == DYNAMIDB_BAD_POLICY);
    CHECK(dynamidb_clear((dynamidb_cache *)memory) == DYNAMIDB_NOT_A_CACHE);
    CHECK(cache == NULL && memcmp(memory, before, SIZE) == 0);
    CHECK(strcmp(dynamidb_status_name(DYNAMIDB_BAD_POLICY), "DYNAMIDB_BAD_POLICY") == 0);
    CHECK(strcmp(dynamidb_status_name(1000), "unknown") == 0);

    /* The memory holds a cache, is used for something else, then holds a cache again. */
    CHECK(dynamidb_init(memory, SIZE, NULL, &cache) == DYNAMIDB_OK);
    memset(memory, 0, SIZE);
    CHECK(dynamidb_set(cache, 0, "k", 1, "v", 1, DYNAMIDB_NEVER) == DYNAMIDB_NOT_A_CACHE);
    CHECK(dynamidb_init(memory, SIZE, NULL, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "k", 1, "v", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);

    /* A clock that jumps, either way: no item is served after it has expired, and nothing breaks. */
    CHECK(dynamidb_set(cache, 5000, "t", 1, "v", 1, 1000) == DYNAMIDB_OK);
    CHECK(dynamidb_touch(cache, 0, "t", 1, 1000) == DYNAMIDB_OK);
    CHECK(dynamidb_touch(cache, UINT64_MAX, "t", 1, 1000) == DYNAMIDB_NOT_FOUND);
    CHECK(dynamidb_maintain(cache, UINT64_MAX, 100, NULL) == DYNAMIDB_OK);
    CHECK(dynamidb_touch(cache, 0, "k", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    free(memory);
}

static void append(void *context, const void *piece, size_t len) {
    strncat(context, piece, len);
}

static void arithmetic_and_visitors(void) {
    static uint64_t memory[2048];
    dynamidb_cache *cache;
    dynamidb_item item;
    uint64_t number = 0;
    char text[64] = "";
    CHECK(dynamidb_init(memory, sizeof memory, NULL, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_add(cache, 0, "n", 1, "18446744073709551615", 20, DYNAMIDB_NEVER) == 0);
    CHECK(dynamidb_increment(cache, 0, "n", 1, 2, &number) == DYNAMIDB_OK && number == 1);
    CHECK(dynamidb_decrement(cache, 0, "n", 1, 5, &number) == DYNAMIDB_OK && number == 0);
    CHECK(dynamidb_replace(cache, 0, "n", 1, "text", 4, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_increment(cache, 0, "n", 1, 1, NULL) == DYNAMIDB_NOT_A_NUMBER);
    CHECK(dynamidb_visit(cache, 0, "n", 1, append, text, &item) == DYNAMIDB_OK);
    CHECK(strcmp(text, "text") == 0 && item.len == 4);
    CHECK(dynamidb_compare_and_swap(cache, 0, "n", 1, "x", 1, 0, item.cas + 1)
          == DYNAMIDB_CAS_MISMATCH);
    CHECK(dynamidb_add(cache, 0, "n", 1, "x", 1, 0) == DYNAMIDB_EXISTS);
    CHECK(dynamidb_replace(cache, 0, "other", 5, "x", 1, 0) == DYNAMIDB_NOT_FOUND);
}

/* A compact cache has no cas, which DYNAMIDB_NO_CAS must not match. */
static void compact_items_match_no_cas(void) {
    static uint64_t memory[2048];
    dynamidb_config config = {0, 0, 0, NULL, 0, {0, 0}, 0, 1, 0};
    dynamidb_cache *cache;
    dynamidb_item item;
    char value[1];
    CHECK(dynamidb_init(memory, sizeof memory, &config, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "k", 1, "v", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_get(cache, 0, "k", 1, value, sizeof value, &item) == DYNAMIDB_OK);
    CHECK(item.cas == DYNAMIDB_NO_CAS);
    CHECK(dynamidb_compare_and_swap(cache, 0, "k", 1, "x", 1, 0, DYNAMIDB_NO_CAS)
          == DYNAMIDB_CAS_MISMATCH);
}

/* A counter that wraps, and an interrupt that has read it before. */
static void ticks(void) {
    static const uint32_t longest = UINT32_MAX - 60 * 1000;
    uint64_t expected = 0, now = 0;
    for (uint32_t round = 0; round < 10; round++) {
        expected += longest - round;
        now = dynamidb_ticks32(now, (uint32_t)expected);
        CHECK(now == expected);
        CHECK(dynamidb_ticks32(now, (uint32_t)expected) == expected);
        CHECK(dynamidb_ticks32(now, (uint32_t)expected - 1) == expected);
        CHECK(dynamidb_ticks32(now, (uint32_t)expected - 60 * 1000) == expected);
        CHECK(dynamidb_ticks32(now, (uint32_t)expected - 60 * 1000 - 1) == expected + longest);
    }
    CHECK(now >> 32 > 8);

    void *memory = allocate(16 * 1024);
    dynamidb_cache *cache;
    dynamidb_item item;
    char value[1];
    CHECK(dynamidb_init(memory, 16 * 1024, NULL, &cache) == DYNAMIDB_OK);
    now = dynamidb_ticks32(0, UINT32_MAX - 70 * 1000);
    CHECK(dynamidb_set(cache, now, "k", 1, "v", 1, 100 * 1000) == DYNAMIDB_OK);
    now = dynamidb_ticks32(now, 29 * 1000);
    CHECK(dynamidb_get(cache, now, "k", 1, value, sizeof value, &item) == DYNAMIDB_OK);
    CHECK(item.expires_at == (UINT64_C(1) << 32) + 30 * 1000 - 1);
    now = dynamidb_ticks32(now, 30 * 1000);
    CHECK(dynamidb_get(cache, now, "k", 1, value, sizeof value, &item) == DYNAMIDB_NOT_FOUND);
    free(memory);
}

/* Plays a conversation in pieces, with buffers of exactly these sizes; returns what was heard. */
static dynamidb_status converse(dynamidb_cache *cache, const char *said, size_t piece,
                                size_t out_size, char *heard) {
    dynamidb_session session;
    dynamidb_status status = DYNAMIDB_OK;
    char in[256];
    char *out = allocate(out_size);
    size_t in_len = 0, used = 0, out_len = 0;
    CHECK(dynamidb_session_init(&session, 100) == DYNAMIDB_OK);
    *heard = 0;
    while (*said != 0 && status == DYNAMIDB_OK) {
        size_t len = strlen(said) < piece ? strlen(said) : piece;
        CHECK(in_len + len <= sizeof in);
        memcpy(in + in_len, said, len);
        said += len;
        in_len += len;
        do {
            status = dynamidb_session_process(cache, &session, 0, in, in_len, &used, out,
                                              out_size, &out_len);
            CHECK(status == DYNAMIDB_OK || status == DYNAMIDB_CLOSED);
            strncat(heard, out, out_len);
            in_len -= used;
            memmove(in, in + used, in_len);
        } while (status == DYNAMIDB_OK && (used > 0 || out_len > 0));
    }
    free(out);
    return status;
}

static void a_session_serves_clients_in_any_pieces(void) {
    static const char said[] = "set t1 7 60 4\r\n21.5\r\nget t1\r\nincr t1 1\r\nmg t1 v t\r\n"
                               "GET t1\r\nset t2 0 0 101\r\nquit\r\n";
    static const char expected[] =
        "STORED\r\nVALUE t1 7 4\r\n21.5\r\nEND\r\n"
        "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
        "VA 4 t60\r\n21.5\r\nVALUE t1 4\r\n21.5\r\nEND\r\n";
    char heard[512];
    size_t piece, size;
    for (piece = 1; piece < 20; piece += 6) {
        for (size = 256; size < 400; size += 13) {
            void *memory = allocate(8 * 1024);
            dynamidb_cache *cache;
            CHECK(dynamidb_init(memory, 8 * 1024, NULL, &cache) == DYNAMIDB_OK);
            CHECK(converse(cache, said, piece, size, heard) == DYNAMIDB_OK);
            CHECK(strcmp(heard, expected) == 0);
            CHECK(converse(cache, "quit\r\nget t1\r\n", piece, size, heard) == DYNAMIDB_CLOSED);
            CHECK(*heard == 0);
            free(memory);
        }
    }
}

static void wrong_sessions_and_buffers_are_rejected(void) {
    static uint64_t memory[1024];
    dynamidb_cache *cache;
    dynamidb_session session, copy;
    char in[] = "get k\r\n", out[DYNAMIDB_SESSION_OUTPUT_MIN];
    size_t used = 0, out_len = 0, input = 0, output = 0;
    memset(&session, 0, sizeof session);
#define PROCESS(session, in, out, size)                                                           \
    dynamidb_session_process(cache, session, 0, in, sizeof in - 1, &used, out, size, &out_len)
    CHECK(dynamidb_init(memory, sizeof memory, NULL, &cache) == DYNAMIDB_OK);
    CHECK(PROCESS(&session, in, out, sizeof out) == DYNAMIDB_NOT_A_SESSION);
    CHECK(dynamidb_session_init(NULL, 100) == DYNAMIDB_NULL_POINTER);
    CHECK(dynamidb_session_init(&session, 100) == DYNAMIDB_OK);
    memcpy(&copy, &session, sizeof copy);
    CHECK(PROCESS(&copy, in, out, sizeof out) == DYNAMIDB_NOT_A_SESSION);
    CHECK(PROCESS(NULL, in, out, sizeof out) == DYNAMIDB_NULL_POINTER);
    CHECK(PROCESS(&session, in, out, sizeof out - 1) == DYNAMIDB_BUFFER_TOO_SMALL);
    CHECK(PROCESS(&session, in, NULL, sizeof out) == DYNAMIDB_NULL_POINTER);
    CHECK(PROCESS(&session, in, memory + 512, sizeof out) == DYNAMIDB_OVERLAP);
    CHECK(PROCESS(&session, in, in, sizeof out) == DYNAMIDB_OVERLAP);
    CHECK(PROCESS((dynamidb_session *)(memory + 512), in, out, sizeof out) == DYNAMIDB_OVERLAP);
    CHECK(used == 0 && out_len == 0);
    CHECK(PROCESS(&session, in, out, sizeof out) == DYNAMIDB_OK);
    CHECK(used == sizeof in - 1 && out_len == 5 && memcmp(out, "END\r\n", 5) == 0);
#undef PROCESS
    CHECK(dynamidb_session_buffer_sizes(&session, &input, &output) == DYNAMIDB_OK);
    CHECK(input > 100 && input < 4096 && output > 100 && output < 1024);
    CHECK(dynamidb_session_buffer_sizes(&copy, &input, &output) == DYNAMIDB_NOT_A_SESSION);
}

/* Collects keys; stops behind the second. */
static int note_key(void *context, const void *key, size_t key_len, const dynamidb_item *item) {
    CHECK(item->len == 1);
    strncat(context, key, key_len);
    return strlen(context) < 2;
}

static void items_are_visited_from_the_most_recently_used(void) {
    static uint64_t memory[1024];
    dynamidb_cache *cache;
    char keys[8] = "";
    CHECK(dynamidb_init(memory, sizeof memory, NULL, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "a", 1, "1", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "b", 1, "1", 1, 1000) == DYNAMIDB_OK);
    CHECK(dynamidb_set(cache, 0, "c", 1, "1", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    CHECK(dynamidb_for_each(cache, 0, note_key, keys) == DYNAMIDB_OK);
    CHECK(strcmp(keys, "cb") == 0);
    *keys = 0;
    CHECK(dynamidb_for_each(cache, 1000, note_key, keys) == DYNAMIDB_OK);
    CHECK(strcmp(keys, "ca") == 0);
    CHECK(dynamidb_for_each(cache, 0, NULL, keys) == DYNAMIDB_NULL_POINTER);
}

static void values_grow_at_both_ends(void) {
    static uint64_t memory[1024];
    dynamidb_cache *cache;
    dynamidb_item item;
    char value[8];
    CHECK(dynamidb_init(memory, sizeof memory, NULL, &cache) == DYNAMIDB_OK);
    CHECK(dynamidb_append(cache, 0, "k", 1, "c", 1) == DYNAMIDB_NOT_FOUND);
    CHECK(dynamidb_set(cache, 0, "k", 1, "b", 1, 1000) == DYNAMIDB_OK);
    CHECK(dynamidb_append(cache, 0, "k", 1, "c", 1) == DYNAMIDB_OK);
    CHECK(dynamidb_prepend(cache, 0, "k", 1, "a", 1) == DYNAMIDB_OK);
    CHECK(dynamidb_get_and_touch(cache, 1, "k", 1, 5000, value, sizeof value, &item) == 0);
    CHECK(item.len == 3 && memcmp(value, "abc", 3) == 0 && item.expires_at == 5001);
    CHECK(dynamidb_get_and_touch(cache, 5001, "k", 1, 5000, value, sizeof value, &item)
          == DYNAMIDB_NOT_FOUND);
}

/* A smaller budget holds less, and a cache that may not evict refuses. */
static void budgets_and_refusals(void) {
    static uint64_t memory[4096];
    dynamidb_config config = {0, 0, 0, NULL, 0, {0, 0}, DYNAMIDB_REFUSE, 0, 0};
    dynamidb_cache *cache;
    dynamidb_status status = DYNAMIDB_OK;
    uint64_t many = 0, few = 0;
    CHECK(dynamidb_init(memory, sizeof memory, &config, &cache) == DYNAMIDB_OK);
    while (status == DYNAMIDB_OK)
        status = dynamidb_set(cache, 0, &many, sizeof many, "v", 1, DYNAMIDB_NEVER), many++;
    CHECK(status == DYNAMIDB_OUT_OF_MEMORY && many > 100);
    CHECK(dynamidb_clear(cache) == DYNAMIDB_OK);
    CHECK(dynamidb_set_memory(cache, sizeof memory / 2) == DYNAMIDB_OK);
    for (status = DYNAMIDB_OK; status == DYNAMIDB_OK; few++)
        status = dynamidb_set(cache, 0, &few, sizeof few, "v", 1, DYNAMIDB_NEVER);
    CHECK(few > 10 && few < many / 2);
    CHECK(dynamidb_set_memory(cache, sizeof memory + 8) == DYNAMIDB_MEMORY_TOO_LARGE);
    CHECK(dynamidb_set_memory(cache, 100) == DYNAMIDB_MEMORY_TOO_SMALL);
}

int main(void) {
    example_of_the_header();
    a_session_serves_clients_in_any_pieces();
    wrong_sessions_and_buffers_are_rejected();
    items_are_visited_from_the_most_recently_used();
    values_grow_at_both_ends();
    budgets_and_refusals();
    ticks();
    arithmetic_and_visitors();
    compact_items_match_no_cas();
    flush_prefix_deletes_what_was_stored();
    wrong_arguments_are_rejected();
    operations_match_a_model(16 * 1024);
    operations_match_a_model(40 * 1024 + 8);
    puts("all tests of the C interface passed");
    return 0;
}
