// What a program in Go does with a cache, through gomemcache.
package gomemcache

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const MiB = 1 << 20

func connect(t *testing.T) *memcache.Client {
	client := memcache.New("127.0.0.1:" + os.Getenv("PORT"))
	client.Timeout = 20 * time.Second
	for _, key := range []string{"key", "count", "text"} {
		if err := client.Delete(key); err != nil && err != memcache.ErrCacheMiss {
			t.Fatal(err)
		}
	}
	return client
}

func expect(t *testing.T, got, wanted interface{}) {
	t.Helper()
	if got != wanted {
		t.Fatalf("%v instead of %v", got, wanted)
	}
}

func store(t *testing.T, client *memcache.Client, key, value string, seconds int32) {
	t.Helper()
	item := &memcache.Item{Key: key, Value: []byte(value), Expiration: seconds}
	expect(t, client.Set(item), nil)
}

func get(t *testing.T, client *memcache.Client, key string) string {
	t.Helper()
	item, err := client.Get(key)
	expect(t, err, nil)
	return string(item.Value)
}

func TestSetGetDelete(t *testing.T) {
	client := connect(t)
	_, err := client.Get("key")
	expect(t, err, memcache.ErrCacheMiss)
	store(t, client, "key", "value", 0)
	expect(t, get(t, client, "key"), "value")
	expect(t, client.Delete("key"), nil)
	expect(t, client.Delete("key"), memcache.ErrCacheMiss)
}

func TestAddAndFlags(t *testing.T) {
	client := connect(t)
	item := &memcache.Item{Key: "key", Value: []byte("value"), Flags: 1<<32 - 1}
	expect(t, client.Add(item), nil)
	expect(t, client.Add(item), memcache.ErrNotStored)
	found, err := client.Get("key")
	expect(t, err, nil)
	expect(t, found.Flags, item.Flags)
}

func TestCompareAndSwap(t *testing.T) {
	client := connect(t)
	store(t, client, "key", "old", 0)
	first, err := client.Get("key")
	expect(t, err, nil)
	second, err := client.Get("key")
	expect(t, err, nil)
	first.Value, second.Value = []byte("new"), []byte("newer")
	expect(t, client.CompareAndSwap(first), nil)
	expect(t, client.CompareAndSwap(second), memcache.ErrCASConflict)
	expect(t, get(t, client, "key"), "new")
}

func TestIncrementAndDecrement(t *testing.T) {
	client := connect(t)
	_, err := client.Increment("count", 1)
	expect(t, err, memcache.ErrCacheMiss)
	store(t, client, "count", "10", 0)
	count, err := client.Increment("count", 32)
	expect(t, err, nil)
	expect(t, count, uint64(42))
	count, err = client.Decrement("count", 50)
	expect(t, err, nil)
	expect(t, count, uint64(0))
	store(t, client, "text", "ten", 0)
	if _, err := client.Increment("text", 1); err == nil {
		t.Fatal("a text is no number")
	}
}

func TestExpiry(t *testing.T) {
	client := connect(t)
	store(t, client, "key", "value", 1)
	time.Sleep(2100 * time.Millisecond)
	_, err := client.Get("key")
	expect(t, err, memcache.ErrCacheMiss)
}

func TestManyKeysAtOnce(t *testing.T) {
	client := connect(t)
	keys := []string{"absent"}
	for number := 0; number < 300; number++ {
		key := fmt.Sprint("key", number)
		store(t, client, key, "of "+key, 0)
		keys = append(keys, key)
	}
	found, err := client.GetMulti(keys)
	expect(t, err, nil)
	expect(t, len(found), 300)
	for key, item := range found {
		expect(t, string(item.Value), "of "+key)
	}
}

func TestValuesOfEverySize(t *testing.T) {
	client := connect(t)
	for _, size := range []int{0, 1, 4096, 100_000, MiB - 1024} {
		value := make([]byte, size)
		rand.Read(value)
		expect(t, client.Set(&memcache.Item{Key: "key", Value: value}), nil)
		item, err := client.Get("key")
		expect(t, err, nil)
		expect(t, bytes.Equal(item.Value, value), true)
	}
	if client.Set(&memcache.Item{Key: "key", Value: make([]byte, 2*MiB)}) == nil {
		t.Fatal("a value too large is stored")
	}
	_, err := client.Get("key")
	expect(t, err, memcache.ErrCacheMiss)
}

func TestManyGoroutines(t *testing.T) {
	client := connect(t)
	store(t, client, "count", "0", 0)
	var all sync.WaitGroup
	for number := 0; number < 8; number++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for round := 0; round < 100; round++ {
				if _, err := client.Increment("count", 1); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	expect(t, get(t, client, "count"), "800")
}
