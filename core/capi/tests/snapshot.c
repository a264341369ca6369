/*
 * A device that keeps its cache over a reboot: the example of the header's section on snapshots. The
 * flash is an array that is read and written in sectors. Run under valgrind.
 */
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

#define ITEM_SIZE_MAX 400
#define SENSORS 60
#define SECTOR 512

/* Two memories, so that nothing of the first cache is left for the second one by chance. */
static uint64_t memory[2][32 * 1024 / 8];

static unsigned char flash[64 * 1024];
static size_t flash_len;

static void flash_append(const void *bytes, size_t len) {
    CHECK(len <= sizeof flash - flash_len);
    memcpy(flash + flash_len, bytes, len);
    flash_len += len;
}

static size_t flash_read(size_t at, void *sector, size_t size) {
    size_t left = flash_len - at;
    size_t len = left < size ? left : size;
    memcpy(sector, flash + at, len);
    return len;
}

static dynamidb_cache *begin(void *place, size_t size) {
    dynamidb_config config;
    dynamidb_cache *cache;
    memset(&config, 0, sizeof config);
    config.item_size_max = ITEM_SIZE_MAX;
    CHECK(dynamidb_init(place, size, &config, &cache) == DYNAMIDB_OK);
    return cache;
}

/* Before the reboot. */
static void save_all(dynamidb_cache *cache, uint64_t now) {
    static unsigned char buffer[DYNAMIDB_SNAPSHOT_BUFFER(ITEM_SIZE_MAX)];
    dynamidb_save save;
    size_t len;
    dynamidb_status status;
    flash_len = 0;
    CHECK(dynamidb_save_init(&save, now, 0) == DYNAMIDB_OK);
    while ((status = dynamidb_save_next(cache, &save, now, buffer, sizeof buffer, &len))
           == DYNAMIDB_OK)
        flash_append(buffer, len);
    CHECK(status == DYNAMIDB_COMPLETE);
}

/* After it. Whatever the flash holds, the cache is good: with all of its items, or empty. */
static dynamidb_status restore_all(dynamidb_cache *cache, uint64_t now,
                                   dynamidb_restored *restored) {
    static unsigned char buffer[DYNAMIDB_SNAPSHOT_BUFFER(ITEM_SIZE_MAX)];
    unsigned char sector[SECTOR];
    dynamidb_restore restore;
    dynamidb_status status = DYNAMIDB_OK;
    size_t at = 0, len;
    CHECK(dynamidb_restore_init(&restore, now, 0, buffer, sizeof buffer) == DYNAMIDB_OK);
    while (status == DYNAMIDB_OK && (len = flash_read(at, sector, sizeof sector)) > 0) {
        status = dynamidb_restore_next(cache, &restore, sector, len, restored);
        at += len;
    }
    if (status != DYNAMIDB_COMPLETE)
        CHECK(dynamidb_clear(cache) == DYNAMIDB_OK);
    return status;
}

int main(void) {
    dynamidb_cache *cache = begin(memory[0], sizeof memory[0]);
    dynamidb_restored restored = {0, 0, 0};
    dynamidb_stats stats;
    dynamidb_item item;
    char key[16], value[ITEM_SIZE_MAX];
    uint64_t now = 1000;
    unsigned number;
    size_t at;

    for (number = 0; number < SENSORS; number++, now += 1000) {
        size_t key_len = (size_t)sprintf(key, "sensor/%u", number);
        uint64_t ttl = number % 2 == 0 ? DYNAMIDB_NEVER : 60 * 60 * 1000;
        memset(value, (int)number, sizeof value);
        CHECK(dynamidb_set(cache, now, key, key_len, value, 5 * number, ttl) == DYNAMIDB_OK);
    }
    save_all(cache, now);

    /* The clock begins again. */
    cache = begin(memory[1], sizeof memory[1]);
    CHECK(restore_all(cache, 1, &restored) == DYNAMIDB_COMPLETE);
    CHECK(restored.stored == SENSORS && restored.expired == 0 && restored.refused == 0);
    for (number = 0; number < SENSORS; number++) {
        size_t key_len = (size_t)sprintf(key, "sensor/%u", number);
        CHECK(dynamidb_get(cache, 1, key, key_len, value, sizeof value, &item) == DYNAMIDB_OK);
        CHECK(item.len == 5 * number);
        for (at = 0; at < item.len; at++)
            CHECK(value[at] == (char)number);
        /* The minute since it was stored has passed for its time to live. */
        CHECK(item.expires_at
              == (number % 2 == 0 ? DYNAMIDB_NEVER
                                  : 1 + 60 * 60 * 1000 - (SENSORS - number) * 1000u));
    }

    /* Less memory keeps what was used last. */
    cache = begin(memory[0], 12 * 1024);
    CHECK(restore_all(cache, 1, &restored) == DYNAMIDB_COMPLETE);
    CHECK(dynamidb_get_stats(cache, &stats) == DYNAMIDB_OK);
    CHECK(stats.evictions > 0 && stats.items > 5);
    CHECK(dynamidb_get(cache, 1, "sensor/59", 9, value, sizeof value, &item) == DYNAMIDB_OK);
    CHECK(dynamidb_get(cache, 1, "sensor/3", 8, value, sizeof value, &item)
          == DYNAMIDB_NOT_FOUND);

    /* Power was lost in the middle of the save, bits have changed, and the flash was never used. */
    flash_len -= 100;
    CHECK(restore_all(cache, 1, &restored) == DYNAMIDB_OK);
    flash_len += 100;
    flash[1000] ^= 4;
    CHECK(restore_all(cache, 1, &restored) == DYNAMIDB_CORRUPTED_SNAPSHOT);
    memset(flash, 0xFF, sizeof flash);
    CHECK(restore_all(cache, 1, &restored) == DYNAMIDB_NOT_A_SNAPSHOT);
    CHECK(dynamidb_get_stats(cache, &stats) == DYNAMIDB_OK && stats.items == 0);
    CHECK(dynamidb_set(cache, 1, "sensor/0", 8, "1", 1, DYNAMIDB_NEVER) == DYNAMIDB_OK);
    puts("all tests of snapshots passed");
    return 0;
}
