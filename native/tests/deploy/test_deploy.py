"""What operators copy: units, manifests and the file of options are valid and fit together."""

import re
import subprocess
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "native/deploy"
SERVER = ROOT / "target/release/dynamidb"
KUBERNETES = "1.37"


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()))


@pytest.fixture
def objects():
    return {each["kind"]: each for each in documents("dynamidb.yaml")}


def check_config(path):
    return subprocess.run(
        [SERVER, "--check-config", "--config", path], capture_output=True, text=True
    )


@pytest.mark.parametrize("document", documents("dynamidb.yaml"), ids=lambda each: each["kind"])
def test_manifests_have_the_fields_that_kubernetes_knows(document):
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_a_wrong_field_is_found(objects):
    objects["StatefulSet"]["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(objects["StatefulSet"], KUBERNETES, strict=True)


def test_selectors_meet_the_labels_of_the_pods(objects):
    template = objects["StatefulSet"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    spread = template["spec"]["topologySpreadConstraints"][0]["labelSelector"]
    for selector in [
        objects["Service"]["spec"]["selector"],
        objects["StatefulSet"]["spec"]["selector"]["matchLabels"],
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        spread["matchLabels"],
    ]:
        assert selector.items() <= labels
    [monitor] = documents("servicemonitor.yaml")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= objects["Service"]["metadata"]["labels"].items()


def test_ports_that_are_named_exist(objects):
    pod = objects["StatefulSet"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    names = {port["name"] for port in container["ports"]}
    service = objects["Service"]["spec"]["ports"]
    used = [port["targetPort"] for port in service]
    for rule in objects["NetworkPolicy"]["spec"]["ingress"]:
        used += [port["port"] for port in rule["ports"]]
    probes = [container[name] for name in container if name.endswith("Probe")]
    used += [probe["httpGet"]["port"] for probe in probes]
    assert len(used) >= 7 and set(used) <= names
    [monitor] = documents("servicemonitor.yaml")
    assert {each["port"] for each in monitor["spec"]["endpoints"]} <= {p["name"] for p in service}


def test_the_variables_of_services_cannot_reach_the_server(objects):
    spec = objects["StatefulSet"]["spec"]
    assert spec["template"]["spec"]["enableServiceLinks"] is False
    assert objects["Service"]["metadata"]["name"] == spec["serviceName"]
    assert objects["Service"]["spec"]["clusterIP"] == "None"


def test_the_memory_of_the_container_is_above_that_of_the_items(objects):
    [container] = objects["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    text = objects["ConfigMap"]["data"]["dynamidb.toml"]
    items = int(re.search(r'memory = "(\d+)m"', text)[1])
    limit = int(container["resources"]["limits"]["memory"].removesuffix("Mi"))
    assert limit >= items + 8 + 20 + 256


def test_files_of_options_are_valid(objects, tmp_path):
    mounted = tmp_path / "dynamidb.toml"
    mounted.write_text(objects["ConfigMap"]["data"]["dynamidb.toml"])
    example = (DEPLOY / "dynamidb.toml").read_text()
    packaged = tmp_path / "packaged.toml"
    packaged.write_text(example)
    # What the example leaves out is as valid, but for the file of users.
    whole = tmp_path / "whole.toml"
    whole.write_text(re.sub(r"(?m)^# (?=(listen|max-connections|log-format) = )", "", example))
    assert whole.read_text().count("\n# ") < example.count("\n# ")
    for path in [mounted, packaged, whole]:
        checked = check_config(path)
        assert (checked.returncode, checked.stderr) == (0, ""), path
    mounted.write_text("memroy = 1\n")
    assert check_config(mounted).returncode == 2


def test_the_files_of_the_debian_package_exist():
    manifest = tomllib.loads((ROOT / "native/Cargo.toml").read_text())
    package = manifest["package"]["metadata"]["deb"]
    sources = [asset[0] for asset in package["assets"]]
    assert "target/release/dynamidb" in sources and len(sources) > 5
    for source in sources:
        if not source.startswith("target/"):
            folder = ROOT if source.startswith("../") else ROOT / "native"
            assert list(folder.glob(source.removeprefix("../"))), source
    [units] = package["systemd-units"]
    folder = ROOT / "native" / units["unit-scripts"]
    assert (folder / f"{units['unit-name']}.service").exists()
    targets = {asset[1] for asset in package["assets"]}
    assert {str(Path(file).parent)[1:] + "/" for file in package["conf-files"]} <= targets


def test_the_manual_and_the_completions_are_understood():
    for page, word in [("", "--check-config"), ("-export", "--tls-ca"), ("-cli", "--no-history")]:
        manual = subprocess.run(
            ["man", "--warnings", "-l", DEPLOY / f"man/dynamidb{page}.1"],
            capture_output=True,
            text=True,
        )
        assert (manual.returncode, manual.stderr) == (0, "")
        assert word in manual.stdout
    script = DEPLOY / "completions/dynamidb.bash"
    for words, meant in [(["--check"], "--check-config"), (["ping", "--tls-c"], "--tls-ca")]:
        typed, last, before = " ".join(words), words[-1], (["dynamidb", *words])[-2]
        complete = (
            f"source {script}; COMP_WORDS=(dynamidb {typed}); COMP_CWORD={len(words)}; "
            f'COMP_LINE="dynamidb {typed}"; _dynamidb dynamidb {last} {before}; '
            'echo "${COMPREPLY[*]}"'
        )
        completed = subprocess.run(["bash", "-c", complete], capture_output=True, text=True)
        assert meant in completed.stdout.split(), completed.stderr


def test_the_unit_is_hardened():
    # In tenths: 0 is as restricted as can be, 10 not at all.
    unit = DEPLOY / "systemd/dynamidb.service"
    analyze = ["systemd-analyze", "security", "--offline=true", "--threshold=15", unit]
    checked = subprocess.run(analyze, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_units_are_valid(tmp_path):
    units = []
    for unit in sorted((DEPLOY / "systemd").glob("dynamidb.*")):
        text = unit.read_text().replace("/usr/bin/dynamidb", str(SERVER))
        copy = tmp_path / unit.name
        # The manual is looked for where it is not installed yet.
        copy.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
        units.append(copy)
    assert len(units) == 2
    checked = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True
    )
    assert (checked.returncode, checked.stderr) == (0, "")
