/* Tests the C++ header: owners, results, and the bytes that its calls take. */
#include "dynamidb.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                  \
            std::exit(EXIT_FAILURE);                                                              \
        }                                                                                         \
    } while (0)

static const size_t WORDS = 2048;

static void values_are_found_until_they_expire() {
    std::vector<uint64_t> memory(WORDS);
    dynamidb::Cache cache(memory.data(), WORDS * 8);
    CHECK(cache);
    char buffer[16];
    const std::string key = "sensor/1";
    CHECK(cache.set(0, "t1", "21.5", 1000) == DYNAMIDB_OK);
    CHECK(cache.set(0, key, std::array<unsigned char, 2>{{1, 2}}) == DYNAMIDB_OK);
    dynamidb::Result found = cache.get(999, "t1", buffer, sizeof buffer);
    CHECK(found && found.item.len == 4 && std::memcmp(buffer, "21.5", 4) == 0);
    CHECK(!cache.get(1000, "t1", buffer, sizeof buffer));
    CHECK(cache.get(1000, key, buffer, 1).status == DYNAMIDB_BUFFER_TOO_SMALL);
    found = cache.get_and_touch(1000, key, 5, buffer, sizeof buffer);
    CHECK(found && found.item.expires_at == 1005 && buffer[1] == 2);
}

static void every_call_has_the_outcome_of_the_c_interface() {
    std::vector<uint64_t> memory(WORDS);
    dynamidb_config config = {};
    config.flush_prefix_max = 1;
    dynamidb::Cache cache(memory.data(), WORDS * 8, &config);
    char buffer[16];
    CHECK(cache.replace(0, "k", "v") == DYNAMIDB_NOT_FOUND);
    CHECK(cache.add(0, "k", "4") == DYNAMIDB_OK && cache.add(0, "k", "5") == DYNAMIDB_EXISTS);
    CHECK(cache.append(0, "k", "2") == DYNAMIDB_OK && cache.prepend(0, "k", "1") == DYNAMIDB_OK);
    CHECK(cache.increment(0, "k").value == 143 && cache.decrement(0, "k", 3).value == 140);
    CHECK(cache.increment(0, "other").status == DYNAMIDB_NOT_FOUND);
    const uint64_t cas = cache.get(0, "k", buffer, sizeof buffer).item.cas;
    CHECK(cache.compare_and_swap(0, "k", "v", cas + 1) == DYNAMIDB_CAS_MISMATCH);
    CHECK(cache.compare_and_swap(0, "k", "v", cas) == DYNAMIDB_OK);
    CHECK(cache.touch(0, "k", 10) == DYNAMIDB_OK && cache.set(0, "p:1", "v") == DYNAMIDB_OK);
    CHECK(cache.stats().items == 2 && cache.flush_prefix("p:") == DYNAMIDB_OK);
    std::string keys;
    CHECK(cache.for_each(0, [&keys](const char *key, size_t len, const dynamidb_item &item) {
        keys.append(key, len);
        return item.len == 1;
    }) == DYNAMIDB_OK);
    size_t visited = 0;
    const auto visit = [&visited](const char *, size_t, const dynamidb_item &) {
        visited++;
        return true;
    };
    CHECK(cache.for_each(0, visit) == DYNAMIDB_OK && visited == 1);
    CHECK(keys == "k" && cache.erase(0, "k") == DYNAMIDB_OK);
    size_t done = 0;
    CHECK(cache.maintain(0, 100, &done) == DYNAMIDB_OK && done < 100);
    CHECK(cache.set_memory(WORDS * 8 + 8) == DYNAMIDB_MEMORY_TOO_LARGE);
    CHECK(cache.clear() == DYNAMIDB_OK && cache.stats().items == 0);
}

/* The memory belongs to one cache at a time, and to the caller after the last. */
static void a_cache_is_moved_and_released_once() {
    std::vector<uint64_t> memory(WORDS);
    dynamidb_cache *handle;
    {
        dynamidb::Cache cache(memory.data(), WORDS * 8);
        handle = cache.handle();
        dynamidb::Cache moved(std::move(cache));
        CHECK(!cache && moved && moved.set(0, "k", "v") == DYNAMIDB_OK);
        CHECK(cache.set(0, "k", "v") == DYNAMIDB_NULL_POINTER);
        std::vector<uint64_t> second(WORDS);
        dynamidb::Cache other(second.data(), WORDS * 8);
        dynamidb_cache *replaced = other.handle();
        other = std::move(moved);
        CHECK(other.handle() == handle && dynamidb_clear(replaced) == DYNAMIDB_NOT_A_CACHE);
        CHECK(other.touch(0, "k", 1) == DYNAMIDB_OK);
    }
    CHECK(dynamidb_clear(handle) == DYNAMIDB_NOT_A_CACHE);
    dynamidb::Cache none(memory.data(), 100);
    CHECK(!none && none.status() == DYNAMIDB_MEMORY_TOO_SMALL);
}

static void a_session_and_a_counter_of_32_bits() {
    std::vector<uint64_t> memory(WORDS);
    dynamidb::Cache cache(memory.data(), WORDS * 8);
    dynamidb::Session session(100);
    dynamidb::Ticks32 clock(UINT32_MAX);
    CHECK(clock.at(4) == UINT64_C(0x100000004));
    char output[512];
    size_t used = 0, len = 0;
    const std::string input = "set k 0 0 1\r\nv\r\nget k\r\n";
    CHECK(session.process(cache, clock.at(5), input, used, output, sizeof output, len) == 0);
    CHECK(used == input.size());
    CHECK(std::string(output, len) == "STORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
}

int main() {
    values_are_found_until_they_expire();
    every_call_has_the_outcome_of_the_c_interface();
    a_cache_is_moved_and_released_once();
    a_session_and_a_counter_of_32_bits();
    std::puts("all tests of the C++ interface passed");
}
