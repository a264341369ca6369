/*
 * DynamiDB for C++11 and later: the interface of dynamidb.h with an owner, and without pointers to
 * results. Header only; it neither allocates nor throws.
 *
 *     static uint64_t memory[16 * 1024 / 8];
 *     dynamidb::Cache cache(memory, sizeof memory);
 *     if (!cache)
 *         return cache.status();
 *     cache.set(now, "t1", "21.5", 60 * 1000);
 *     char buffer[16];
 *     dynamidb::Result found = cache.get(now, "t1", buffer, sizeof buffer);
 *     if (found)
 *         use(buffer, found.item.len);
 */
#ifndef DYNAMIDB_HPP
#define DYNAMIDB_HPP

#include "dynamidb.h"

namespace dynamidb {

/* Bytes of the caller: a string literal, without its end, or anything with data() and size(). */
class Bytes {
public:
    Bytes(const void *data, size_t size) : data_(data), size_(size) {}

    template <size_t N>
    Bytes(const char (&text)[N]) : data_(text), size_(N - 1) {}

    template <typename T>
    Bytes(const T &bytes) : data_(bytes.data()), size_(bytes.size() * sizeof(*bytes.data())) {}

    const void *data() const { return data_; }
    size_t size() const { return size_; }

private:
    const void *data_;
    size_t size_;
};

/* What was found, or why nothing was. */
struct Result {
    dynamidb_status status;
    dynamidb_item item;

    explicit operator bool() const { return status == DYNAMIDB_OK; }
};

/* A number, or why there is none. */
struct Number {
    dynamidb_status status;
    uint64_t value;

    explicit operator bool() const { return status == DYNAMIDB_OK; }
};

/* A cache in memory of the caller, which has it back when the cache is destroyed. */
class Cache {
public:
    Cache(void *memory, size_t size, const dynamidb_config *config = nullptr)
        : cache_(nullptr), status_(dynamidb_init(memory, size, config, &cache_)) {}

    ~Cache() { release(); }

    Cache(const Cache &) = delete;
    Cache &operator=(const Cache &) = delete;

    Cache(Cache &&other) noexcept : cache_(other.cache_), status_(other.status_) {
        other.cache_ = nullptr;
    }

    Cache &operator=(Cache &&other) noexcept {
        if (this != &other) {
            release();
            cache_ = other.cache_;
            status_ = other.status_;
            other.cache_ = nullptr;
        }
        return *this;
    }

    /* Whether there is a cache; status() says why not. */
    explicit operator bool() const { return cache_ != nullptr; }
    dynamidb_status status() const { return status_; }

    /* For the calls of dynamidb.h. */
    dynamidb_cache *handle() { return cache_; }

    Result get(uint64_t now, Bytes key, void *buffer, size_t size) {
        Result result = {DYNAMIDB_OK, {0, 0, 0}};
        result.status =
            dynamidb_get(cache_, now, key.data(), key.size(), buffer, size, &result.item);
        return result;
    }

    Result get_and_touch(uint64_t now, Bytes key, uint64_t ttl, void *buffer, size_t size) {
        Result result = {DYNAMIDB_OK, {0, 0, 0}};
        result.status = dynamidb_get_and_touch(cache_, now, key.data(), key.size(), ttl, buffer,
                                               size, &result.item);
        return result;
    }

    dynamidb_status set(uint64_t now, Bytes key, Bytes value, uint64_t ttl = DYNAMIDB_NEVER) {
        return dynamidb_set(cache_, now, key.data(), key.size(), value.data(), value.size(), ttl);
    }

    dynamidb_status add(uint64_t now, Bytes key, Bytes value, uint64_t ttl = DYNAMIDB_NEVER) {
        return dynamidb_add(cache_, now, key.data(), key.size(), value.data(), value.size(), ttl);
    }

    dynamidb_status replace(uint64_t now, Bytes key, Bytes value, uint64_t ttl = DYNAMIDB_NEVER) {
        return dynamidb_replace(cache_, now, key.data(), key.size(), value.data(), value.size(),
                                ttl);
    }

    dynamidb_status compare_and_swap(uint64_t now, Bytes key, Bytes value, uint64_t cas,
                                     uint64_t ttl = DYNAMIDB_NEVER) {
        return dynamidb_compare_and_swap(cache_, now, key.data(), key.size(), value.data(),
                                         value.size(), ttl, cas);
    }

    dynamidb_status append(uint64_t now, Bytes key, Bytes bytes) {
        return dynamidb_append(cache_, now, key.data(), key.size(), bytes.data(), bytes.size());
    }

    dynamidb_status prepend(uint64_t now, Bytes key, Bytes bytes) {
        return dynamidb_prepend(cache_, now, key.data(), key.size(), bytes.data(), bytes.size());
    }

    dynamidb_status touch(uint64_t now, Bytes key, uint64_t ttl) {
        return dynamidb_touch(cache_, now, key.data(), key.size(), ttl);
    }

    dynamidb_status erase(uint64_t now, Bytes key) {
        return dynamidb_delete(cache_, now, key.data(), key.size());
    }

    Number increment(uint64_t now, Bytes key, uint64_t delta = 1) {
        Number number = {DYNAMIDB_OK, 0};
        number.status =
            dynamidb_increment(cache_, now, key.data(), key.size(), delta, &number.value);
        return number;
    }

    Number decrement(uint64_t now, Bytes key, uint64_t delta = 1) {
        Number number = {DYNAMIDB_OK, 0};
        number.status =
            dynamidb_decrement(cache_, now, key.data(), key.size(), delta, &number.value);
        return number;
    }

    dynamidb_status clear() { return dynamidb_clear(cache_); }

    dynamidb_status flush_prefix(Bytes prefix) {
        return dynamidb_flush_prefix(cache_, prefix.data(), prefix.size());
    }

    dynamidb_status set_memory(size_t size) { return dynamidb_set_memory(cache_, size); }

    dynamidb_status maintain(uint64_t now, size_t limit, size_t *done = nullptr) {
        return dynamidb_maintain(cache_, now, limit, done);
    }

    /*
     * Calls visitor(key, key_len, item), which returns whether to go on, for each item. It must not
     * throw: there is no way through the library, which would stay busy.
     */
    template <typename Visitor>
    dynamidb_status for_each(uint64_t now, Visitor visitor) {
        struct Call {
            static int visit(void *context, const void *key, size_t key_len,
                             const dynamidb_item *item) noexcept {
                Visitor &visitor = *static_cast<Visitor *>(context);
                return visitor(static_cast<const char *>(key), key_len, *item) ? 1 : 0;
            }
        };
        return dynamidb_for_each(cache_, now, Call::visit, &visitor);
    }

    dynamidb_stats stats() const {
        dynamidb_stats stats = {};
        dynamidb_get_stats(cache_, &stats);
        return stats;
    }

private:
    void release() {
        if (cache_ != nullptr)
            dynamidb_release(cache_);
    }

    dynamidb_cache *cache_;
    dynamidb_status status_;
};

/* A clock from a counter of 32 bits that counts milliseconds. */
class Ticks32 {
public:
    explicit Ticks32(uint64_t now = 0) : now_(now) {}
    uint64_t at(uint32_t ticks) { return now_ = dynamidb_ticks32(now_, ticks); }

private:
    uint64_t now_;
};

/* One client's conversation: see dynamidb_session. */
class Session {
public:
    explicit Session(size_t item_size_max = 0) { dynamidb_session_init(&session_, item_size_max); }

    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    dynamidb_status process(Cache &cache, uint64_t now, Bytes input, size_t &used, void *output,
                            size_t output_size, size_t &output_len) {
        return dynamidb_session_process(cache.handle(), &session_, now, input.data(), input.size(),
                                        &used, output, output_size, &output_len);
    }

private:
    dynamidb_session session_;
};

} // namespace dynamidb

#endif
