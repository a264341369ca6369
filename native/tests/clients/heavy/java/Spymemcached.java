// What a program in Java does with a cache, through spymemcached, in the protocol that it is told.

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import net.spy.memcached.AddrUtil;
import net.spy.memcached.CASResponse;
import net.spy.memcached.CASValue;
import net.spy.memcached.ConnectionFactoryBuilder;
import net.spy.memcached.ConnectionFactoryBuilder.Protocol;
import net.spy.memcached.MemcachedClient;
import net.spy.memcached.auth.AuthDescriptor;
import net.spy.memcached.auth.PlainCallbackHandler;
import net.spy.memcached.transcoders.SerializingTranscoder;

class Spymemcached {
    interface Test {
        void run(MemcachedClient cache) throws Exception;
    }

    static final boolean BINARY = "binary".equals(System.getenv("PROTOCOL"));
    static final String ADDRESS = "127.0.0.1:" + System.getenv("PORT");
    static final Map<String, Test> TESTS = new LinkedHashMap<>();

    static MemcachedClient connect(String user, String password) throws Exception {
        SerializingTranscoder transcoder = new SerializingTranscoder(4 << 20);
        transcoder.setCompressionThreshold(Integer.MAX_VALUE);
        ConnectionFactoryBuilder builder = new ConnectionFactoryBuilder()
            .setProtocol(BINARY ? Protocol.BINARY : Protocol.TEXT)
            .setOpTimeout(20_000)
            .setTranscoder(transcoder);
        if (user != null) {
            builder.setAuthDescriptor(new AuthDescriptor(
                new String[] {"PLAIN"}, new PlainCallbackHandler(user, password)));
        }
        return new MemcachedClient(builder.build(), AddrUtil.getAddresses(ADDRESS));
    }

    static void check(boolean condition) {
        if (!condition) {
            throw new AssertionError();
        }
    }

    static boolean fails(Future<Boolean> future) throws InterruptedException {
        try {
            return !future.get();
        } catch (ExecutionException refused) {
            return true;
        }
    }

    static {
        TESTS.put("set, get and delete", cache -> {
            check(cache.get("key") == null);
            check(cache.set("key", 0, "value").get());
            check(cache.get("key").equals("value"));
            check(cache.delete("key").get());
            check(!cache.delete("key").get());
        });
        TESTS.put("add, replace, append and prepend", cache -> {
            check(!cache.replace("key", 0, "0").get());
            check(!cache.append("key", "0").get());
            check(cache.add("key", 0, "middle").get());
            check(!cache.add("key", 0, "other").get());
            check(cache.append("key", "-end").get());
            check(cache.prepend("key", "start-").get());
            check(cache.get("key").equals("start-middle-end"));
            check(cache.replace("key", 0, "new").get());
        });
        TESTS.put("compare and swap", cache -> {
            cache.set("key", 0, "old").get();
            CASValue<Object> found = cache.gets("key");
            check(found.getValue().equals("old"));
            check(cache.cas("key", found.getCas(), "new") == CASResponse.OK);
            check(cache.cas("key", found.getCas(), "newer") == CASResponse.EXISTS);
            check(cache.cas("absent", found.getCas(), "new") == CASResponse.NOT_FOUND);
            check(cache.get("key").equals("new"));
        });
        TESTS.put("increment and decrement", cache -> {
            check(cache.incr("count", 2) == -1);
            check(cache.incr("count", 2, 10) == 10);
            check(cache.incr("count", 32) == 42);
            check(cache.decr("count", 50) == 0);
        });
        TESTS.put("touch and expiry", cache -> {
            check(!cache.touch("key", 100).get());
            cache.set("key", 2, "value").get();
            cache.set("short", 2, "value").get();
            check(cache.touch("key", 100).get());
            Thread.sleep(3100);
            check(cache.get("key").equals("value"));
            check(cache.get("short") == null);
        });
        TESTS.put("many keys at once", cache -> {
            Map<String, Object> values = new HashMap<>();
            List<Future<Boolean>> stores = new ArrayList<>();
            for (int number = 0; number < 300; number++) {
                values.put("key" + number, "value" + number);
                stores.add(cache.set("key" + number, 0, "value" + number));
            }
            for (Future<Boolean> store : stores) {
                check(store.get());
            }
            List<String> keys = new ArrayList<>(values.keySet());
            keys.add("absent");
            check(cache.getBulk(keys).equals(values));
        });
        TESTS.put("values of every size and any bytes", cache -> {
            for (int size : new int[] {0, 1, 4096, 100_000, (1 << 20) - 1024}) {
                byte[] value = new byte[size];
                new Random(size).nextBytes(value);
                check(cache.set("key", 0, value).get());
                check(Arrays.equals((byte[]) cache.get("key"), value));
            }
        });
        TESTS.put("a value too large is refused", cache -> {
            check(fails(cache.set("key", 0, new byte[2 << 20])));
            check(cache.set("key", 0, "small").get());
            check(cache.get("key").equals("small"));
        });
        TESTS.put("flags tell the types of values", cache -> {
            for (Object value : new Object[] {"text", 7, 1L << 40, 1.5, true, new ArrayList<>(List.of(1, 2))}) {
                check(cache.set("key", 0, value).get());
                check(cache.get("key").equals(value));
            }
        });
        TESTS.put("the version and the statistics", cache -> {
            check(cache.getVersions().values().iterator().next().startsWith("1."));
            check(cache.getStats().values().iterator().next().containsKey("limit_maxbytes"));
        });
        if (BINARY) {
            TESTS.put("get and touch", cache -> {
                check(cache.getAndTouch("key", 100) == null);
                cache.set("key", 2, "value").get();
                check(cache.getAndTouch("key", 100).getValue().equals("value"));
                Thread.sleep(3100);
                check(cache.get("key").equals("value"));
            });
        }
    }

    public static void main(String[] arguments) throws Exception {
        MemcachedClient cache = connect(System.getenv("SASL_USER"), System.getenv("SASL_PASSWORD"));
        for (Map.Entry<String, Test> test : TESTS.entrySet()) {
            cache.flush().get();
            test.getValue().run(cache);
            System.out.println("passed: " + test.getKey());
        }
        cache.shutdown();
    }
}
