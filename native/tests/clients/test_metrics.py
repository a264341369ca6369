"""The metrics, read as Prometheus reads them."""

import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain
from pymemcache.client.base import Client

# What memcached_exporter 0.16.0 gives for memcached 1.6.45: names without their first word, by type
# and labels.
EXPORTER = {
    ("gauge", ""): (
        "accepting_connections current_bytes current_connections current_items limit_bytes "
        "lru_crawler_enabled lru_crawler_hot_max_factor lru_crawler_hot_percent "
        "lru_crawler_maintainer_thread lru_crawler_sleep lru_crawler_to_crawl "
        "lru_crawler_warm_max_factor lru_crawler_warm_percent malloced_bytes max_connections "
        "time_seconds up"
    ),
    ("counter", "command status"): (
        "commands_total"
    ),
    ("counter", ""): (
        "connections_listener_disabled_total connections_rejected_total connections_total "
        "connections_yielded_total direct_reclaims_total item_no_memory_total "
        "item_too_large_total items_evicted_total items_reclaimed_total items_total "
        "lru_crawler_items_checked_total lru_crawler_moves_to_cold_total "
        "lru_crawler_moves_to_warm_total lru_crawler_moves_within_lru_total "
        "lru_crawler_reclaimed_total lru_crawler_starts_total "
        "process_system_cpu_seconds_total process_user_cpu_seconds_total read_bytes_total "
        "uptime_seconds written_bytes_total"
    ),
    ("gauge", "slab"): (
        "slab_chunk_size_bytes slab_chunks_free slab_chunks_free_end slab_chunks_per_page "
        "slab_chunks_used slab_cold_items slab_current_chunks slab_current_items "
        "slab_current_pages slab_hot_age_seconds slab_hot_items slab_items_age_seconds "
        "slab_warm_age_seconds slab_warm_items"
    ),
    ("counter", "command slab status"): (
        "slab_commands_total"
    ),
    ("counter", "slab"): (
        "slab_items_crawler_reclaimed_total slab_items_evicted_nonzero_total "
        "slab_items_evicted_time_seconds slab_items_evicted_total "
        "slab_items_evicted_unfetched_total slab_items_expired_unfetched_total "
        "slab_items_moves_to_cold slab_items_moves_to_warm slab_items_moves_within_lru "
        "slab_items_outofmemory_total slab_items_reclaimed_total slab_items_tailrepairs_total "
        "slab_mem_requested_bytes"
    ),
    ("counter", "lru slab"): (
        "slab_lru_hits_total"
    ),
    ("gauge", "version"): (
        "version"
    ),
}

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
# What Prometheus sends.
PROMETHEUS = f"{OPEN_METRICS};q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"


def scrape(admin, accept):
    """Text and type of the metrics."""
    url = f"http://127.0.0.1:{admin}/metrics"
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read().decode(), response.headers["Content-Type"]


def stem(name):
    """A name without the end that the parser of the text format gives to every counter."""
    return name.removesuffix("_total")


def samples(families):
    """The values by name and labels."""
    values = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in values, key
            values[key] = sample.value
    return values


@pytest.fixture
def loaded(monitored):
    """A client of a server that had hits, misses, evictions and refused stores; the admin port."""
    port, admin = monitored
    client = Client(("127.0.0.1", port), default_noreply=False)
    for number in range(3000):
        client.set(f"key{number}", b"x" * (20, 900, 9000)[number % 3], expire=1000)
    for number in range(200):
        client.get(f"key{2999 - number}")
    client.get("absent")
    client.set("number", "5")
    client.incr("number", 1)
    client.incr("absent", 1)
    client.decr("number", 1)
    client.decr("absent", 1)
    client.touch("number", 50)
    client.touch("absent", 50)
    value, cas = client.gets("number")
    assert client.cas("number", value, cas) and not client.cas("number", value, cas)
    assert client.cas("absent", value, cas) is None
    assert client.delete("number") and not client.delete("number")
    with pytest.raises(Exception):
        client.set("large", b"x" * (2 << 20))
    yield client, admin
    client.close()


def test_both_formats_have_the_same_samples(loaded):
    _, admin = loaded
    text, text_type = scrape(admin, "text/plain")
    openly, open_type = scrape(admin, PROMETHEUS)
    assert text_type.startswith("text/plain; version=0.0.4")
    assert open_type.startswith(OPEN_METRICS)
    assert scrape(admin, "*/*")[1] == text_type
    text, openly = samples(plain(text)), samples(open_metrics(openly))
    assert {(stem(name), labels) for name, labels in text} == {
        (stem(name), labels) for name, labels in openly
    }
    assert len(text) > 300


def test_names_types_and_labels_are_those_of_the_exporter(loaded):
    _, admin = loaded
    text, found = scrape(admin, "text/plain")[0], {}
    for family in plain(text):
        labels = {label for sample in family.samples for label in sample.labels}
        found[stem(family.name)] = (family.type, " ".join(sorted(labels)))
    expected = {
        f"memcached_{stem(name)}": kind
        for kind, names in EXPORTER.items()
        for name in names.split()
    }
    # The names themselves, which the parser changes.
    for name in " ".join(EXPORTER.values()).split():
        assert f"\n# TYPE memcached_{name} " in text, name
    assert {name: kind for name, kind in found.items() if name.startswith("memcached_")} == expected


def test_values_are_those_of_the_statistics(loaded):
    client, admin = loaded
    stats = client.stats()
    values = samples(open_metrics(scrape(admin, PROMETHEUS)[0]))

    def command(name, status):
        return values["memcached_commands_total", (("command", name), ("status", status))]

    for name in ["get", "delete", "incr", "decr", "touch", "cas"]:
        for status, end in [("hit", "hits"), ("miss", "misses")]:
            assert command(name, status) == int(stats[f"{name}_{end}".encode()]), name
            assert command(name, status) > 0, name
    assert command("cas", "badval") == 1
    assert command("set", "hit") == 3001
    for name, stat in [
        ("memcached_items_evicted_total", "evictions"),
        ("memcached_current_items", "curr_items"),
        ("memcached_item_too_large_total", "store_too_large"),
        ("dynamidb_index_bytes", "hash_bytes"),
    ]:
        assert values[name, ()] == float(stats[stat.encode()]) > 0, name

    def total(name):
        return sum(value for (sample, _), value in values.items() if sample == name)

    evicted = values["memcached_items_evicted_total", ()]
    assert total("memcached_slab_items_evicted_total") == evicted
    assert total("dynamidb_shard_limit_bytes") == 8 << 20


def test_histograms_are_cumulative_and_complete(loaded):
    _, admin = loaded
    values = samples(open_metrics(scrape(admin, PROMETHEUS)[0]))
    for command in ["get", "set", "other"]:
        label = ("command", command)
        name = "dynamidb_request_duration_seconds"
        buckets = [
            (float(dict(labels)["le"]), value)
            for (sample, labels), value in values.items()
            if sample == f"{name}_bucket" and label in labels
        ]
        buckets.sort()
        counts = [count for _, count in buckets]
        assert len(counts) == 25 and counts == sorted(counts)
        assert counts[-1] == values[f"{name}_count", (label,)]
        assert command == "other" or counts[-1] > 0
        assert values[f"{name}_sum", (label,)] >= 0
